-- What each role may do with the tables of sharing. The public's role sees what was published.

GRANT SELECT, INSERT, UPDATE (computed_at, plates, reads, gone, digest, notified_by, notified_at) ON sharing_incident TO
    platepost_web;
GRANT SELECT ON sharing_incident, sharing_release, sharing_request TO platepost_auditor;
GRANT SELECT ON sharing_policy TO platepost_keeper, platepost_auditor, platepost_public;
GRANT SELECT, INSERT ON sharing_policy TO platepost_web;
GRANT SELECT ON sharing_law TO platepost_auditor;
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_at) ON sharing_law TO platepost_web;
GRANT SELECT, INSERT, UPDATE (recalled_by, recalled_at, recalled_because) ON sharing_release TO platepost_web;
GRANT SELECT, INSERT ON sharing_correction, sharing_report TO platepost_keeper;
GRANT SELECT ON sharing_correction, sharing_report TO platepost_public;
GRANT SELECT, INSERT, UPDATE (due_on, extended_because, hold_id, decision, because, decided_by, decided_at, reopened_by,
    reopened_at, sent_by, sent_at) ON sharing_request TO platepost_web;
