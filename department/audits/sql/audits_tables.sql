-- What each role may do with the tables of audits: the pages add rows, and say once what came of each.

GRANT SELECT, INSERT ON audits_answer, audits_household, audits_household_sealed TO platepost_web;
GRANT SELECT ON audits_answer, audits_audit, audits_finding, audits_plan, audits_sample TO platepost_auditor;
GRANT SELECT, INSERT, UPDATE (finished_by, finished_at) ON audits_audit TO platepost_web;
GRANT SELECT, INSERT, UPDATE (outcome, note, closed_by, closed_at) ON audits_finding TO platepost_web;
GRANT SELECT, INSERT ON audits_finding, audits_household TO platepost_misuse;
GRANT SELECT ON audits_household_sealed TO platepost_misuse;
GRANT SELECT, INSERT, UPDATE (ended_by, ended_at) ON audits_plan TO platepost_web;
GRANT SELECT, INSERT, UPDATE (outcome, note, judged_by, judged_at) ON audits_sample TO platepost_web;
