-- What each role may do with the tables of alerts. An alert is changed by its steps alone.

GRANT SELECT, INSERT (person, list_version) ON alerts_acknowledgment TO platepost_web;
GRANT SELECT ON alerts_acknowledgment, alerts_label TO platepost_auditor;
GRANT SELECT, UPDATE (published_at) ON alerts_decision TO platepost_keeper;
GRANT SELECT (webhook_id, decision_id), UPDATE (over_at, delivered) ON alerts_delivery TO platepost_webhook;
GRANT SELECT, INSERT (sample_id, person, verdict) ON alerts_label TO platepost_web;
GRANT SELECT ON alerts_sample, alerts_transition TO platepost_web, platepost_auditor;
GRANT SELECT (id, failures), UPDATE (failures, next_at, last_error, list_held) ON alerts_webhook TO
    platepost_webhook;
