"""A hit whose entry left the list afterwards is forgotten as what it had come to: a car that was recovered, say."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

CAME_TO = "CASE WHEN withdrawn_because = 'entry_removed' THEN withdrawn_from ELSE state END"
_COUNTED = "captured_at, '2000-01-01Z'), state, count(*)"
FORGET = redefined(
    import_module("platepost.department.alerts.migrations.0011_forgotten").FORGOTTEN,
    "alerts_forget",
    {_COUNTED: _COUNTED.replace("state", CAME_TO)},
)


class Migration(migrations.Migration):
    """The fourteenth."""

    dependencies = [("alerts", "0013_taken_back_late")]
    operations = [migrations.RunSQL(FORGET)]
