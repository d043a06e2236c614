-- What each role may do with the tables of people, and with those of Django and allauth by which they log in. The
-- auditor compares the ledger with the register; passwords are no part of that.

GRANT SELECT ON account_emailaddress, socialaccount_socialapp, socialaccount_socialtoken TO platepost_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session, mfa_authenticator TO platepost_web;
GRANT SELECT ON people_certificate TO platepost_web;
GRANT SELECT, INSERT ON people_device, people_exercise, people_failure, people_training, people_used_code TO
    platepost_web;
GRANT SELECT ON people_certificate, people_console, people_exercise, people_lock, people_provider_group, people_request,
    people_role, people_training TO platepost_auditor;
GRANT SELECT, INSERT, UPDATE (ended_at, ended_by_id) ON people_console TO platepost_web;
GRANT SELECT, UPDATE (ended_at, ended_by_id) ON people_role TO platepost_web;
GRANT SELECT, INSERT, UPDATE (decided_by_id, decided_at, approved) ON people_request TO platepost_web;
GRANT SELECT ON people_covert TO platepost_web, platepost_auditor;
GRANT SELECT, INSERT, UPDATE (released_at, released_by_id) ON people_lock TO platepost_web;
GRANT SELECT, INSERT, UPDATE (password, last_login, active_from, disabled_at, invited_until, changed_by_id) ON
    people_person TO platepost_web;
GRANT SELECT (id, last_login, login, name, badge, email, agency, made_at, active_from, disabled_at, changed_by_id, made_by_id,
    sponsor_id) ON people_person TO platepost_auditor;
GRANT SELECT (id, login, disabled_at, made_by_id, sponsor_id) ON people_person TO platepost_misuse;
GRANT SELECT ON people_training TO platepost_misuse;
GRANT SELECT, INSERT, UPDATE ON socialaccount_socialaccount TO platepost_web;
GRANT SELECT, INSERT, UPDATE ON people_provider_access TO platepost_web;
