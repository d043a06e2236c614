"""Alerts that go with their hits are counted: a month's public count lost those that were purged before it was over."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FORMER = import_module("platepost.department.alerts.migrations.0004_decisions_stay").STAY
_BEGIN, _END = "DELETE FROM alerts_alert AS gone", "alerts_decision AS kept WHERE kept.record_id = gone.record_id);"
# Quarters of an hour: every time zone's months begin with one.
FORGOTTEN = """
CREATE TABLE alerts_forgotten (
    at timestamptz NOT NULL,  -- the quarter of an hour in which the hits were captured
    state text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (at, state)
);
""" + redefined(
    _FORMER,
    "alerts_forget",
    {
        _BEGIN: f"WITH forgotten AS ({_BEGIN}",
        _END: _END.replace(
            ";",
            """
        RETURNING gone.*
    ) INSERT INTO alerts_forgotten AS known
    SELECT date_bin('15 minutes', captured_at, '2000-01-01Z'), state, count(*) FROM forgotten
    WHERE covert_group IS NULL GROUP BY 1, 2
    ON CONFLICT ON CONSTRAINT alerts_forgotten_pkey DO UPDATE SET count = known.count + excluded.count;""",
        ),
    },
)


class Migration(migrations.Migration):
    """The eleventh."""

    dependencies = [("alerts", "0010_offered_members")]
    operations = [migrations.RunSQL(FORGOTTEN)]
