"""The index of places has the plate, too: which reads at a place fit a plate's beginning, no row has to tell.

It is built partition by partition while records are kept and read: nothing is locked.
"""

from typing import Any

from django.db import migrations

_TABLES = (
    "SELECT relid::regclass::text, parentrelid::regclass::text, isleaf"
    " FROM pg_partition_tree('custody_read') ORDER BY level"
)


def index(_: Any, editor: Any) -> None:  # noqa: ANN401 - Django's
    """Build it; a building that was cut off goes on."""
    with editor.connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for table, parent, is_leaf in cursor.fetchall():
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [f"{table}_place"])
            if is_leaf and cursor.fetchone() == (False,):
                cursor.execute(f"DROP INDEX {table}_place")
            aside, only = ("CONCURRENTLY", "") if is_leaf else ("", "ONLY")
            cursor.execute(
                f"CREATE INDEX {aside} IF NOT EXISTS {table}_place ON {only} {table} (post, captured_at, plate_fold)"
            )
            if parent is not None:
                cursor.execute(f"ALTER INDEX {parent}_place ATTACH PARTITION {table}_place")


class Migration(migrations.Migration):
    """One index in the place of two, of which nothing needs the other."""

    atomic = False
    dependencies = [("custody", "0002_purged")]
    operations = [
        migrations.RunPython(index),
        migrations.RunSQL("DROP INDEX IF EXISTS custody_read_post, custody_read_captured"),
    ]
