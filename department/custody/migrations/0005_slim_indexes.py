"""Smaller indexes of records and reads: the number alone; and chain and number of a record in one number.

They are built partition by partition while records are kept and read: nothing is locked for longer than a moment.
"""

from typing import Any

from django.db import migrations

_TABLES = "SELECT relid::regclass::text, parentrelid::regclass::text, isleaf FROM pg_partition_tree(%s) ORDER BY level"
_NUMBERS = {"custody_record": "id", "custody_read": "record_id"}


def index(_: Any, editor: Any) -> None:  # noqa: ANN401 - Django's
    """Build them; a building that was cut off goes on."""
    with editor.connection.cursor() as cursor:
        for root, number in _NUMBERS.items():
            cursor.execute(_TABLES, [root])
            for table, parent, is_leaf in cursor.fetchall():
                if is_leaf:
                    _build(cursor, "UNIQUE INDEX CONCURRENTLY", f"{table}_number", f"{table} ({number})")
                if root == "custody_record":
                    kind, only = ("INDEX CONCURRENTLY", "") if is_leaf else ("INDEX", "ONLY ")
                    on = f"{only}{table} (custody_line(chain, sequence))"
                    _build(cursor, kind, f"{table}_chain", on)
                    if parent is not None:
                        cursor.execute(f"ALTER INDEX {parent}_chain ATTACH PARTITION {table}_chain")


def _build(cursor: Any, kind: str, name: str, on: str) -> None:  # noqa: ANN401 - Django's
    cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
    if "CONCURRENTLY" in kind and cursor.fetchone() == (False,):
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute(f"CREATE {kind} IF NOT EXISTS {name} ON {on}")


# Where a record stands: all of a chain one after the other. Another chain may come into the same places: compare it.
LINE = """
CREATE OR REPLACE FUNCTION custody_line(chain text, sequence bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ((hashtext(chain) & 1073741823)::bigint << 32) + sequence;
REVOKE ALL ON FUNCTION custody_line(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_line(text, bigint) TO platepost_keeper;
"""
# Each new partition gets its index of numbers; that of chains comes with the table's.
RENEWED = """
DO $$
DECLARE
    made CONSTANT text := 'EXECUTE format(' || E'\\n' || repeat(' ', 24) || '''ALTER TABLE %I ATTACH';
    defined CONSTANT text := pg_get_functiondef('custody_make_partitions(date, date)'::regprocedure);
BEGIN
    IF position('_number' IN defined) = 0 THEN
        EXECUTE replace(defined, made, $add$IF parted.table_name IN ('custody_record', 'custody_read') THEN
                        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (%I)', name || '_number', name,
                            CASE parted.table_name WHEN 'custody_record' THEN 'id' ELSE 'record_id' END);
                    END IF;
                    $add$ || made);
    END IF;
END
$$;
"""
# The pages look a chain up by this: their row security lets no function be looked up.
CHAINED = """
CREATE OR REPLACE FUNCTION custody_chained(asked text, first bigint, last bigint)
RETURNS TABLE (id bigint, class text, retained_from timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
SELECT r.id, r.class, r.retained_from FROM public.custody_record r
WHERE public.ledger_open() AND r.chain = asked AND public.custody_line(r.chain, r.sequence)
BETWEEN public.custody_line(asked, first) AND public.custody_line(asked, last)
$$;
REVOKE ALL ON FUNCTION custody_chained(text, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_chained(text, bigint, bigint) TO platepost_web;
"""
DROPPED = """
DROP INDEX IF EXISTS custody_record_chained;
ALTER TABLE custody_record DROP CONSTRAINT IF EXISTS custody_record_pkey;
ALTER TABLE custody_read DROP CONSTRAINT IF EXISTS custody_read_pkey;
"""


class Migration(migrations.Migration):
    """Two indexes in the place of three."""

    atomic = False
    dependencies = [("custody", "0004_constants")]
    operations = [
        migrations.RunSQL(LINE + RENEWED),
        migrations.RunPython(index),
        migrations.RunSQL(CHAINED),
        migrations.RunSQL(DROPPED),
    ]
