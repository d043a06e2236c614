"""A month's reads are those of its days by UTC: in zones east of Greenwich the days were shifted by one."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FORMER = import_module("platepost.department.sharing.migrations.0006_purged_hits").COUNTS
_DAY = "({} AT TIME ZONE 'UTC')::date"
# A zone's month begins up to 14 hours before it does by UTC, or 12 hours after.
_MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC' + interval '1 day')::date"
for end in ("since", "until"):
    _FORMER = _FORMER.replace(_DAY.format(end), _MONTH.format(end))
COUNTS = redefined(_FORMER, "sharing_counts", {})


class Migration(migrations.Migration):
    """The seventh."""

    dependencies = [("sharing", "0006_purged_hits")]
    operations = [migrations.RunSQL(COUNTS)]
