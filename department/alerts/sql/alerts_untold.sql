-- after: alerts_webhook_open
-- Decisions that wait for delivery to a webhook now.
CREATE OR REPLACE VIEW alerts_untold WITH (security_barrier) AS
SELECT hook.id AS webhook, hook.agency, hook.url, hook.failures, said.id, said.post, said.hit, said.number, said.at,
    said.decision, said.reason
FROM alerts_delivery AS waiting JOIN alerts_webhook_open AS hook ON hook.id = waiting.webhook_id
JOIN alerts_decision AS said ON said.id = waiting.decision_id
WHERE waiting.over_at IS NULL AND hook.next_at <= clock_timestamp() AND said.covert_group IS NULL;

GRANT SELECT ON alerts_untold TO platepost_web;
