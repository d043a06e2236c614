-- after: alerts_webhook_open
-- Decisions that wait for delivery to a webhook now.
CREATE OR REPLACE VIEW alerts_undelivered WITH (security_barrier) AS
SELECT hook.id AS webhook, hook.agency, hook.url, hook.failures, decision.id, decision.post, decision.hit, decision.number, decision.at,
    decision.decision, decision.reason
FROM alerts_delivery AS waiting JOIN alerts_webhook_open AS hook ON hook.id = waiting.webhook_id
JOIN alerts_decision AS decision ON decision.id = waiting.decision_id
WHERE waiting.over_at IS NULL AND hook.next_at <= clock_timestamp() AND decision.covert_group IS NULL;

GRANT SELECT ON alerts_undelivered TO platepost_web;
