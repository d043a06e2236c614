-- Entries that posts are to have now.
CREATE OR REPLACE VIEW lists_in_force WITH (security_barrier, security_invoker) AS
SELECT * FROM lists_entry
WHERE ended_at IS NULL AND expires_at > now() AND (NOT second_person OR at_once OR approved_at IS NOT NULL);

GRANT SELECT ON lists_in_force TO platepost_web, platepost_signer;
