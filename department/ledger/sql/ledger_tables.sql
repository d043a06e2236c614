-- What each role may do with the register of agencies, with agreements and with the catalog.

GRANT SELECT, INSERT, UPDATE (kind, allowed, note, ori, title, entered_by, confirmed_by, confirmed_at) ON ledger_agency TO
    platepost_web;
GRANT SELECT ON ledger_agency, ledger_agreement, ledger_department, ledger_law, ledger_sharing, ledger_verification TO
    platepost_auditor;
GRANT SELECT ON ledger_department, ledger_law TO platepost_web;
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_at) ON ledger_agreement TO platepost_web;
GRANT SELECT ON ledger_class, ledger_event TO platepost_auditor, platepost_purger;
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_at, ended_by, ended_at) ON ledger_sharing TO platepost_web;
GRANT SELECT, INSERT ON ledger_verification TO platepost_web;
