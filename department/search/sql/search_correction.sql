-- after: custody_tables, ledger_covered_plates, ledger_covered_records, ledger_groups, ledger_open
-- As the reads themselves; whoever adds one may see the read, under the entry that the row names.
ALTER TABLE search_correction ENABLE ROW LEVEL SECURITY;
CREATE POLICY entry ON search_correction FOR SELECT TO platepost_web USING ((SELECT ledger_open())
    AND (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[]))
    AND ((SELECT ledger_covered_records()) ? record_id::text OR (SELECT ledger_covered_plates()) ? plate_fold));
CREATE POLICY correct ON search_correction FOR INSERT TO platepost_web WITH CHECK (
    ledger_open() AND entry = nullif(current_setting('platepost.entry', true), '')::uuid
    AND EXISTS (SELECT FROM custody_read AS stored WHERE stored.record_id = search_correction.record_id
        AND stored.plate_fold = search_correction.plate_fold AND stored.retained_from = search_correction.retained_from
        AND stored.covert_group IS NOT DISTINCT FROM search_correction.covert_group)
);

GRANT SELECT, INSERT ON search_correction TO platepost_web;
