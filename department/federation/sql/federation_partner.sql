-- after: sharing_by_manager
-- Partners are the records manager's to name, as agreements are.
CREATE TRIGGER sharing_by_manager BEFORE INSERT OR UPDATE ON federation_partner
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();

GRANT SELECT ON federation_partner TO platepost_keeper, platepost_auditor, platepost_federation;
GRANT SELECT, INSERT, UPDATE (url, certificate, person, at) ON federation_partner TO platepost_web;
