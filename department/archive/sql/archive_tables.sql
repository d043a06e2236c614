-- What each role may do with the archive's tables: the pages set terms, place holds, plan and approve; the purger
-- carries out what was approved, by functions that act as the owner. Nobody sees from the counts of a plan what covert
-- groups have.

GRANT SELECT, UPDATE (removed_at) ON archive_backup TO platepost_web;
GRANT SELECT ON archive_backup TO platepost_metrics;
GRANT SELECT ON archive_backup, archive_hold, archive_plan TO platepost_auditor, platepost_purger;
GRANT SELECT, INSERT, UPDATE (review_on, lifted_by, lifted_at, lifted_because) ON archive_hold TO platepost_web;
GRANT SELECT ON archive_kind, archive_law TO platepost_web, platepost_auditor, platepost_purger;
GRANT SELECT ON archive_outcome, archive_part TO platepost_purger;
GRANT INSERT, SELECT (plan, class, begins, ends, shown, dropped_at) ON archive_part TO platepost_web;
GRANT SELECT (plan, class, begins, ends, shown, dropped_at) ON archive_part TO platepost_auditor;
GRANT SELECT, INSERT, UPDATE (approved_by, approved_at) ON archive_plan TO platepost_web;
GRANT SELECT ON archive_term TO platepost_keeper, platepost_auditor, platepost_purger, platepost_federation;
GRANT SELECT, UPDATE (kept_days) ON archive_term TO platepost_web;
-- The pages collect and order; the archive service makes what was ordered.
GRANT SELECT, INSERT, UPDATE (records, redactions, recipient, entry, ordered_at, problem) ON archive_evidence
    TO platepost_web;
GRANT SELECT, UPDATE (begun_at, problem, package, digest, size, done_at, custodian_key, register_key)
    ON archive_evidence TO platepost_keeper;
