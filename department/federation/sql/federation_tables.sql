-- What each role may do with the tables of federation.

GRANT SELECT, UPDATE (decision, entry) ON federation_exchange TO platepost_keeper;
GRANT SELECT, INSERT, UPDATE (decision, entry) ON federation_exchange TO platepost_federation;
GRANT SELECT, INSERT, UPDATE (case_number, salt, decision, entry) ON federation_exchange TO platepost_web;
GRANT SELECT ON federation_exchange TO platepost_auditor;
