-- after: ledger_log_open
-- The pages, and the rules against misuse, read entries while an entry `log_intent` is open.
ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY programs ON ledger_entry FOR SELECT TO platepost_auditor, platepost_keeper, platepost_purger USING (true);
CREATE POLICY log ON ledger_entry FOR SELECT TO platepost_web, platepost_misuse USING ((SELECT ledger_log_open()));

GRANT SELECT ON ledger_entry TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger, platepost_misuse;
