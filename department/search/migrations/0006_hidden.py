"""Plates of which something hides a character have an index of their own: a search asks it beside the other one.

It is built while records are kept and read: nothing is locked.
"""

from typing import Any

from django.db import migrations

_NAME = "search_plate_hidden"


def index(_: Any, editor: Any) -> None:  # noqa: ANN401 - Django's
    """Build it; one that was cut off is built again."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [_NAME])
        if cursor.fetchone() == (False,):
            cursor.execute(f"DROP INDEX {_NAME}")
        # Few come in a day: none is left for a search to put in order.
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {_NAME} ON search_plate USING gin (search_grams(plate_fold))"
            " WITH (fastupdate = off) WHERE strpos(plate_fold, '?') > 0"
        )


# With `plates`, three groups are of plates that hide a character; that statement is planned once a session.
ASKED = """
CREATE OR REPLACE FUNCTION search_candidates(
    plates text[], all_of integer[], any_of text[], pattern text, most integer
) RETURNS SETOF public.search_plate
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    condition text := 'true';
    grams text;
BEGIN
    IF NOT public.ledger_open() THEN
        RETURN;
    END IF;
    IF plates IS NOT NULL THEN
        RETURN QUERY SELECT * FROM public.search_plate WHERE plate_fold = ANY (plates) LIMIT most;
        IF cardinality(any_of) > 0 THEN
            RETURN QUERY SELECT * FROM public.search_plate WHERE strpos(plate_fold, '?') > 0
                AND public.search_grams(plate_fold) && any_of[1]::integer[]
                AND public.search_grams(plate_fold) && any_of[2]::integer[]
                AND public.search_grams(plate_fold) && any_of[3]::integer[]
                AND plate_fold ~ pattern LIMIT most;
        END IF;
        RETURN;
    END IF;
    IF cardinality(all_of) + cardinality(any_of) = 0 THEN
        RAISE EXCEPTION 'no gram is given' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(all_of) > 0 THEN
        condition := format('public.search_grams(plate_fold) @> %L::integer[]', all_of);
    END IF;
    FOREACH grams IN ARRAY any_of LOOP
        condition := condition || format(' AND public.search_grams(plate_fold) && %L::integer[]', grams);
    END LOOP;
    RETURN QUERY EXECUTE
        'SELECT * FROM public.search_plate WHERE ' || condition || ' AND plate_fold ~ $1 LIMIT $2'
        USING pattern, most;
END
$$;
"""


class Migration(migrations.Migration):
    """An index, and the function that asks it."""

    atomic = False
    dependencies = [("search", "0005_after_2038")]
    operations = [migrations.RunPython(index), migrations.RunSQL(ASKED)]
