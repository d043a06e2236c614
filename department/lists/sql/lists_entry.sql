-- after: lists_groups
-- The pages see entries of covert groups for their members alone.
ALTER TABLE lists_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY pages ON lists_entry TO platepost_web
    USING (distribution IS NULL OR distribution = ANY ((SELECT lists_groups())::text[]));
CREATE POLICY signer ON lists_entry TO platepost_signer USING (true);

GRANT SELECT, INSERT, UPDATE (approved_by, approved_at, ended_by, ended_at, ended_because) ON lists_entry TO
    platepost_web;
GRANT SELECT, UPDATE (listed_version, listed_at, unlisted_version) ON lists_entry TO platepost_signer;
