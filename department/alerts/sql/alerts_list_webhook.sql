-- after: alerts_webhook_open
-- Webhooks that are sent when a hot list is held and when it is no longer: of the department's own patrol, for instance.
CREATE OR REPLACE VIEW alerts_list_webhook WITH (security_barrier) AS
SELECT id AS webhook, agency, url, failures, list_held, certificate FROM alerts_webhook_open
WHERE lists AND next_at <= clock_timestamp();

GRANT SELECT ON alerts_list_webhook TO platepost_webhook;
