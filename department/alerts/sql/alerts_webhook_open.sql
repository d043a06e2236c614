-- after: ledger_agency_refusal
-- Webhooks that may have decisions now: of agencies to which what is about alarms may be released, by an agreement in
-- force. Nobody is sent what belongs to a covert group.
CREATE OR REPLACE VIEW alerts_webhook_open WITH (security_barrier) AS
SELECT * FROM alerts_webhook AS hook WHERE ended_at IS NULL
AND ledger_agency_refusal(agency, 'hot list alarm', 'release', clock_timestamp()) IS NULL;
