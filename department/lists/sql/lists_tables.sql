-- What each role may do with the lists: the pages enter, approve and end, and ask for publishing. The signer, a process
-- beside the fleet's keys, takes imports in, and writes back what was published. It enters, approves and ends nothing;
-- the pages sign nothing, and see no file of an import.

GRANT SELECT (id, source, at, "system_user", mark, mapping, accepted, refused, report, held_because, let_go_by,
    let_go_at), UPDATE (let_go_by, let_go_at) ON lists_import TO platepost_web;
GRANT SELECT, INSERT, UPDATE (file) ON lists_import TO platepost_signer;
GRANT SELECT, INSERT, DELETE, UPDATE (left_at) ON lists_imported TO platepost_signer;
GRANT SELECT ON lists_policy TO platepost_web, platepost_signer;
GRANT SELECT (id), INSERT ON lists_recovery TO platepost_web;
GRANT SELECT, UPDATE (version) ON lists_recovery TO platepost_signer;
GRANT SELECT, INSERT, UPDATE (state) ON lists_request TO platepost_web;
GRANT SELECT ON lists_request TO platepost_webhook;
GRANT SELECT, INSERT, UPDATE (state, message, size_before, size_after, version, published_at) ON lists_request
    TO platepost_signer;
