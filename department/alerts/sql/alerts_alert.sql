-- after: ledger_covered_records, ledger_groups
-- An alert names no plate, so it asks for no entry of the ledger. What belongs to a covert group is for its members,
-- under an entry. Who sends decisions to webhooks sees the alert of the hit that the entry covers.
ALTER TABLE alerts_alert ENABLE ROW LEVEL SECURITY;
CREATE POLICY groups ON alerts_alert FOR SELECT TO platepost_web, platepost_auditor
    USING (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[]));
CREATE POLICY released ON alerts_alert FOR SELECT TO platepost_webhook
    USING (covert_group IS NULL AND (SELECT ledger_covered_records()) ? record_id::text);
CREATE POLICY counted ON alerts_alert FOR SELECT TO platepost_metrics USING (covert_group IS NULL);

GRANT SELECT ON alerts_alert TO platepost_web, platepost_auditor, platepost_webhook, platepost_metrics;
