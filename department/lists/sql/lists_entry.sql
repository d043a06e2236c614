-- after: lists_groups, lists_opened
-- The pages see entries that an entry of the ledger lists for a person who may see them (see `lists_show`), and those that
-- they have inserted in the same transaction: `lists_guard_entry` sets that time.
ALTER TABLE lists_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY pages ON lists_entry TO platepost_web USING (
    id = ANY ((SELECT lists_opened())::bigint[]) OR made_at = transaction_timestamp()
    AND (distribution IS NULL OR distribution = ANY ((SELECT lists_groups())::text[]))
);
CREATE POLICY signer ON lists_entry TO platepost_signer USING (true);

GRANT SELECT, INSERT, UPDATE (approved_by, approved_at, ended_by, ended_at, ended_because) ON lists_entry TO
    platepost_web;
GRANT SELECT, UPDATE (listed_version, listed_at, unlisted_version) ON lists_entry TO platepost_signer;
