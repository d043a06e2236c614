-- after: ledger_covered_entries, ledger_log_open
-- The pages read entries that an open entry `log_intent` covers. The rules against misuse read all while one is open.
ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY programs ON ledger_entry FOR SELECT TO platepost_auditor, platepost_keeper, platepost_purger USING (true);
CREATE POLICY covered ON ledger_entry FOR SELECT TO platepost_web
    USING (entry = ANY ((SELECT ledger_covered_entries())::uuid[]));
CREATE POLICY log ON ledger_entry FOR SELECT TO platepost_misuse USING ((SELECT ledger_log_open()));

GRANT SELECT ON ledger_entry TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger, platepost_misuse;
