"""A decision stays for its own term though the law has its hit go sooner, and with it its alert, which has no plate.

Purges count decisions of covert groups apart.
"""

from django.db import migrations

STAY = """
CREATE OR REPLACE FUNCTION alerts_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM alerts_alert AS gone WHERE gone.retained_from >= NEW.begins AND gone.retained_from < NEW.ends
        AND NOT EXISTS (SELECT FROM custody_hit AS kept WHERE kept.record_id = gone.record_id)
        AND NOT EXISTS (SELECT FROM alerts_decision AS kept WHERE kept.record_id = gone.record_id);
    RETURN NULL;
END
$$;
CREATE OR REPLACE VIEW alerts_decision_kind AS
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
) AS case_number, covert_group
FROM alerts_decision AS told WHERE published_at IS NOT NULL;
UPDATE archive_kind SET group_column = 'covert_group' WHERE class = 'decision';
"""


class Migration(migrations.Migration):
    """The fourth."""

    dependencies = [("alerts", "0003_terms"), ("archive", "0005_covert_kinds")]
    operations = [migrations.RunSQL(STAY)]
