"""A hold of a plate keeps the reads, too, in which something hid a character of it: a search for it finds them."""

from pathlib import Path

from django.db import migrations

from platepost.department.database.functions import redefined

# As search has it: three characters that are known agree.
HELD = redefined(
    Path(__file__).with_name("0001_archive.sql").read_text("utf-8"),
    "archive_kept",
    {
        "    hold archive_hold;\n": "    hold archive_hold;\n    hidden text[];\n",
        "    FOR hold IN SELECT * FROM archive_hold WHERE lifted_at IS NULL LOOP\n": """
    IF EXISTS (SELECT FROM archive_hold WHERE lifted_at IS NULL AND plates <> '{}' AND since < ends) THEN
        EXECUTE format(
            'SELECT array_agg(DISTINCT plate_fold) FROM (SELECT plate_fold FROM custody_read WHERE %1$s'
            ' UNION ALL SELECT plate_fold FROM custody_hit WHERE %1$s) AS seen'
            ' WHERE length(replace(plate_fold, ''?'', '''')) BETWEEN 3 AND length(plate_fold) - 1', part
        ) INTO hidden USING wanted, begins, ends;
    END IF;
    FOR hold IN SELECT * FROM archive_hold WHERE lifted_at IS NULL LOOP
""".removeprefix("\n"),
        "hold.posts, hold.plates;": """hold.posts, hold.plates || ARRAY(
            SELECT one FROM unnest(hidden) AS one
            WHERE EXISTS (SELECT FROM unnest(hold.plates) AS plate WHERE plate LIKE translate(one, '?', '_'))
        );""",
    },
)


class Migration(migrations.Migration):
    """The tenth."""

    dependencies = [("archive", "0009_objects")]
    operations = [migrations.RunSQL(HELD)]
