"""A month's hits count as what they had come to where their entry left the list later: they were told as wrong."""

from importlib import import_module

from django.db import migrations

_COUNTS = import_module("platepost.department.sharing.migrations.0007_month_by_utc").COUNTS
_STATE = "        SELECT state, count(*) FROM alerts_alert\n"
_CAME_TO = import_module("platepost.department.alerts.migrations.0014_came_to").CAME_TO
_OF_STATE = "captured_at < until GROUP BY state\n"
COUNTS = _COUNTS.replace(_STATE, _STATE.replace("state", _CAME_TO)).replace(_OF_STATE, _OF_STATE.replace("state", "1"))


class Migration(migrations.Migration):
    """The tenth."""

    dependencies = [("sharing", "0009_counted_by_function"), ("alerts", "0014_came_to")]
    operations = [migrations.RunSQL(COUNTS)]
