-- after: ledger_groups
-- As the alerts themselves.
ALTER TABLE alerts_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY groups ON alerts_step FOR SELECT TO platepost_web, platepost_auditor
    USING (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[]));
CREATE POLICY counted ON alerts_step FOR SELECT TO platepost_metrics USING (covert_group IS NULL);
-- The trigger says which alert somebody may act on.
CREATE POLICY act ON alerts_step FOR INSERT TO platepost_web WITH CHECK (true);

GRANT SELECT, INSERT (record_id, revision, step, person, reason, note, characters, pairs, plate_state, vehicle,
    to_person, with_record) ON alerts_step TO platepost_web;
GRANT SELECT ON alerts_step TO platepost_auditor;
GRANT SELECT (record_id, revision, step, covert_group, pairs) ON alerts_step TO platepost_metrics;
