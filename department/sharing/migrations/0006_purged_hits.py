"""A month's count has the hits that were purged before it was over, too."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_STILL_THERE = """'undecided' END, count(*)
    FROM alerts_alert WHERE covert_group IS NULL AND captured_at >= since AND captured_at < until GROUP BY 2
"""
_EVER_THERE = """'undecided' END, sum(found.count)::bigint
    FROM (
        SELECT state, count(*) FROM alerts_alert
        WHERE covert_group IS NULL AND captured_at >= since AND captured_at < until GROUP BY state
        UNION ALL SELECT state, gone.count FROM alerts_forgotten AS gone WHERE gone.at >= since AND gone.at < until
    ) AS found (state, count) GROUP BY 2
"""
COUNTS = redefined(
    import_module("platepost.department.sharing.migrations.0004_purged_reads").COUNTS,
    "sharing_counts",
    {_STILL_THERE: _EVER_THERE},
)


class Migration(migrations.Migration):
    """The sixth."""

    dependencies = [("sharing", "0005_law_s_days"), ("alerts", "0011_forgotten")]
    operations = [migrations.RunSQL(COUNTS)]
