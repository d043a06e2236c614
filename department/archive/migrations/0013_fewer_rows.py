"""No plan is stale because somebody discarded saved work that was to go, or another plan kept more of what is held."""

from pathlib import Path

from django.db import migrations

from platepost.department.database.functions import redefined

STALE = redefined(
    Path(__file__).with_name("0002_kinds.sql").read_text("utf-8"),
    "archive_stale",
    {
        "        IF there <> part.records THEN\n": """
        -- Single rows may go by themselves; and of what is held, a plan lets go what no hold holds by then.
        IF part.class <> 'held' AND there <> part.records
            AND (there > part.records OR part.class NOT IN (SELECT class FROM archive_kind))
        THEN
""".removeprefix("\n")
    },
)


class Migration(migrations.Migration):
    """The thirteenth."""

    dependencies = [("archive", "0012_due_whole")]
    operations = [migrations.RunSQL(STALE)]
