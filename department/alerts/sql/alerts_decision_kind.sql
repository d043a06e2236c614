-- Published decisions, as the archive counts and deletes them, each with the case of a hold that covers its hit. An
-- alert has no plate to compare: whatever was captured during a hold's time, at its posts, stays.
CREATE OR REPLACE VIEW alerts_decision_kind AS
SELECT id, at, (
    SELECT hold.case_number FROM archive_hold AS hold JOIN alerts_alert AS alert ON alert.record_id = decision.record_id
    WHERE hold.lifted_at IS NULL AND (
        decision.record_id = ANY (hold.records)
        OR alert.captured_at >= hold.since AND alert.captured_at < hold.until
            AND (hold.posts = '{}' OR alert.post = ANY (hold.posts))
        OR EXISTS (
            SELECT FROM custody_hit AS hit WHERE hit.record_id = alert.record_id
            AND hit.retained_from = alert.retained_from AND hit.passage = ANY (hold.passages)
        )
    ) LIMIT 1
) AS case_number, covert_group
FROM alerts_decision AS decision WHERE published_at IS NOT NULL;

INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('decision', 'alerts_decision_kind', 'at', 'case_number', 'covert_group')
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
