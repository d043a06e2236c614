"""A month's count has the reads that were purged before it was over: they were missing where little is kept."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

# The keeper's tally has each read once, whatever became of it: of the day, UTC, on which it came.
_STILL_KEPT = """FROM custody_read
    WHERE covert_group IS NULL AND class <> 'doubtful' AND captured_at >= since AND captured_at < until
    AND retained_from >= since AND retained_from < until + interval '31 days'
"""
_EVER_KEPT = """FROM custody_tally
    WHERE covert_group IS NULL AND verdict = 'genuine' AND type = 'platepost.read.v1' AND count > 0
    AND day >= (since AT TIME ZONE 'UTC')::date AND day < (until AT TIME ZONE 'UTC')::date
"""
COUNTS = redefined(
    import_module("platepost.department.sharing.migrations.0002_public").PUBLIC,
    "sharing_counts",
    {
        f"'reads', 'reads', count(*) {_STILL_KEPT}": f"'reads', 'reads', coalesce(sum(count), 0)::bigint {_EVER_KEPT}",
        f"'posts', 'posts', count(DISTINCT post) {_STILL_KEPT}": f"'posts', 'posts', count(DISTINCT post) {_EVER_KEPT}",
    },
)


class Migration(migrations.Migration):
    """The fourth."""

    dependencies = [("sharing", "0003_who_acts"), ("custody", "0007_objects")]
    operations = [migrations.RunSQL(COUNTS)]
