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
GRANT SELECT, INSERT, UPDATE (kind, requester, address, says, order_number, agency, purpose, received_on, due_on,
    corrected_by, corrected_at, acknowledged_by, acknowledged_at, extended_because, hold_id, decision, because, answers,
    decided_by, decided_at, log_since, log_until, log_totals, reopened_by, reopened_at, sent_by, sent_at) ON sharing_request TO platepost_web;
