-- after: alerts_webhook_open
-- Decisions that wait for delivery to a webhook now. One releases the plate where officers may act on the hit and nothing
-- else was decided since, to a receiver that is known by its certificate.
CREATE OR REPLACE VIEW alerts_undelivered WITH (security_barrier) AS
SELECT hook.id AS webhook, hook.agency, hook.url, hook.failures, decision.id, decision.post, decision.hit, decision.number, decision.at,
    decision.decision, decision.reason, hook.certificate, decision.record_id,
    hook.certificate IS NOT NULL AND decision.decision = 'actionable' AND NOT EXISTS (
        SELECT FROM alerts_decision AS later WHERE later.record_id = decision.record_id
        AND later.number > decision.number AND later.decision <> 'closed'
    ) AS releases
FROM alerts_delivery AS waiting JOIN alerts_webhook_open AS hook ON hook.id = waiting.webhook_id
JOIN alerts_decision AS decision ON decision.id = waiting.decision_id
WHERE waiting.over_at IS NULL AND hook.next_at <= clock_timestamp() AND decision.covert_group IS NULL;

GRANT SELECT ON alerts_undelivered TO platepost_webhook;
