-- after: ledger_covered_entries, ledger_groups, ledger_log_open, ledger_visible
-- What belongs to covert groups is the groups of an intent, and the field `covert` of any entry, an object by group.
-- Whoever is in all of them, as the reader's open entry says, reads it. Where it is empty nobody does: so that its
-- absence shows nothing. The keeper sees all of it, to verify the chain. The purger's role deletes bodies by
-- `archive_sweep` alone.
ALTER TABLE ledger_body ENABLE ROW LEVEL SECURITY;
CREATE POLICY programs ON ledger_body TO platepost_keeper, platepost_purger USING (true);
CREATE POLICY groups ON ledger_body FOR SELECT TO platepost_auditor
    USING (ledger_visible(field, value, (SELECT ledger_groups())::text[]));
CREATE POLICY covered ON ledger_body FOR SELECT TO platepost_web USING (
    entry = ANY ((SELECT ledger_covered_entries())::uuid[])
    AND ledger_visible(field, value, (SELECT ledger_groups())::text[])
);
CREATE POLICY log ON ledger_body FOR SELECT TO platepost_misuse
    USING ((SELECT ledger_log_open()) AND ledger_visible(field, value, (SELECT ledger_groups())::text[]));

GRANT SELECT ON ledger_body TO platepost_keeper, platepost_web, platepost_auditor, platepost_misuse;
