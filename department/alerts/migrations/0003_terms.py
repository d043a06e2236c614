"""How long decisions that were told are kept: as the archive's term says, and longer where a hold covers their hit."""

from django.db import migrations

# An alert has no plate to compare: whatever was captured in a hold's time, at its posts, stays.
KIND = """
CREATE VIEW alerts_decision_kind AS
SELECT id, at, (
    SELECT hold.case_number FROM archive_hold AS hold JOIN alerts_alert AS alert ON alert.record_id = told.record_id
    WHERE hold.lifted_at IS NULL AND (
        told.record_id = ANY (hold.records)
        OR alert.captured_at >= hold.since AND alert.captured_at < hold.until
            AND (hold.posts = '{}' OR alert.post = ANY (hold.posts))
        OR EXISTS (
            SELECT FROM custody_hit AS hit WHERE hit.record_id = alert.record_id
            AND hit.retained_from = alert.retained_from AND hit.passage = ANY (hold.passages)
        )
    ) LIMIT 1
) AS case_number
FROM alerts_decision AS told WHERE published_at IS NOT NULL;
INSERT INTO archive_kind VALUES ('decision', 'alerts_decision_kind', 'at', 'case_number');
"""


class Migration(migrations.Migration):
    """The third."""

    dependencies = [("alerts", "0002_members"), ("archive", "0002_kinds")]
    operations = [migrations.RunSQL(KIND)]
