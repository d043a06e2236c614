-- after: ledger_covered_plates, ledger_covered_records, ledger_groups, ledger_open
-- What each role may do with the tables of records, and which rows it sees. The keeper inserts and reads. Nobody
-- updates or deletes a record. Records and what is projected of them are visible only while an entry of the ledger is
-- open that covers them, those of a covert group only to its members. The status page shows what names nobody, without an entry and
-- without covert groups.

GRANT SELECT, INSERT ON custody_access, custody_audit, custody_health, custody_hit, custody_picture, custody_read,
    custody_record, custody_rejudged, custody_status, custody_withdrawal TO platepost_keeper;
GRANT SELECT ON custody_access, custody_audit, custody_health, custody_hit, custody_picture, custody_read,
    custody_record, custody_rejudged, custody_status, custody_withdrawal TO platepost_web;
GRANT SELECT ON custody_record, custody_rejudged TO platepost_webhook;
GRANT SELECT ON custody_read TO platepost_federation;
GRANT SELECT ON custody_admission TO platepost_keeper;
GRANT SELECT, INSERT (post, key, since, until, reason, asked_by), UPDATE (confirmed_by, ended_by, stolen)
    ON custody_admission TO platepost_web;
-- It names posts and persons, and no record.
CREATE POLICY admissions ON custody_admission TO platepost_keeper, platepost_web USING (true) WITH CHECK (true);
GRANT SELECT ON custody_certificate TO platepost_keeper;
GRANT SELECT, INSERT ON custody_certificate TO platepost_purger;
GRANT SELECT, INSERT, UPDATE ON custody_holding, custody_tally TO platepost_keeper;
GRANT SELECT ON custody_holding, custody_tally TO platepost_web, platepost_auditor, platepost_metrics;
GRANT SELECT ON custody_health, custody_status TO platepost_metrics;
GRANT SELECT ON custody_purged TO platepost_keeper, platepost_purger;
GRANT SELECT, USAGE ON SEQUENCE custody_record_id TO platepost_keeper;
GRANT SELECT, INSERT, DELETE ON custody_unnamed_object TO platepost_keeper;
GRANT SELECT, DELETE ON custody_unnamed_object TO platepost_purger;

-- A batch is copied into temporary tables first: COPY does not go together with row security.
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO platepost_keeper', current_database());
END
$$;

DO $$
DECLARE
    name text;
    open_without_entry text[] := '{custody_holding,custody_tally,custody_status,custody_health}';
    covered text;
BEGIN
    FOR name IN
        SELECT table_name FROM custody_parted UNION SELECT unnest('{custody_holding,custody_tally}'::text[])
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY keeper ON %I TO platepost_keeper USING (true) WITH CHECK (true)', name);
        covered := CASE
            WHEN name IN ('custody_holding', 'custody_tally') THEN 'true'
            WHEN name = 'custody_record' THEN '(SELECT ledger_covered_records()) ? id::text'
            WHEN name IN ('custody_read', 'custody_hit') THEN
                '(SELECT ledger_covered_plates()) ? plate_fold OR (SELECT ledger_covered_records()) ? record_id::text'
            ELSE '(SELECT ledger_covered_records()) ? record_id::text'
        END;
        EXECUTE format(
            'CREATE POLICY entry ON %I FOR SELECT TO platepost_web, platepost_auditor USING ((SELECT ledger_open())'
            ' AND (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[])) AND (%s))',
            name, covered
        );
        IF name IN ('custody_record', 'custody_rejudged', 'custody_read') THEN
            EXECUTE format(
                'CREATE POLICY released ON %I FOR SELECT TO %s USING (covert_group IS NULL AND (%s))',
                name, CASE name WHEN 'custody_read' THEN 'platepost_federation' ELSE 'platepost_webhook' END, covered
            );
        END IF;
        IF name = ANY (open_without_entry) THEN
            EXECUTE format(
                'CREATE POLICY status ON %I FOR SELECT TO platepost_web, platepost_auditor, platepost_metrics'
                ' USING (covert_group IS NULL)',
                name
            );
        END IF;
    END LOOP;
END
$$;
