"""An alert on which somebody acts at that moment is taken back, too: it was passed over."""

from pathlib import Path

from django.db import migrations

from platepost.department.database.functions import redefined

TAKEN_BACK = redefined(
    Path(__file__).with_name("0001_alerts.sql").read_text("utf-8"),
    "alerts_take_back",
    {
        "BEGIN\n    WITH found": """BEGIN
    -- First, in a statement of its own: the next one sees what the alerts became while this one waited.
    PERFORM FROM alerts_alert AS alert WHERE alert.record_id = ANY (records) ORDER BY alert.record_id FOR UPDATE;
    WITH found""",
    },
)


class Migration(migrations.Migration):
    """The thirteenth."""

    dependencies = [("alerts", "0012_gone_samples")]
    operations = [migrations.RunSQL(TAKEN_BACK)]
