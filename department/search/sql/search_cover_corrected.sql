-- after: custody_selected, ledger_cover, ledger_open, search_candidates
-- Covers the reads beside which a note is that fits: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_corrected(opened uuid, pattern text, asked jsonb, most integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
BEGIN
    EXECUTE 'INSERT INTO public.ledger_covered (entry, record, covert_group) SELECT $1, note.record_id,'
        ' note.covert_group FROM public.search_correction AS note WHERE note.corrected_fold ~ $2'
        ' AND (note.covert_group IS NULL OR note.covert_group = ANY ($4))'
        || CASE WHEN asked IS NULL THEN '' ELSE ' AND EXISTS (SELECT FROM '
            || public.custody_selected('read', asked, own)
            || ' AND plate_fold = note.plate_fold AND record_id = note.record_id)' END
        || ' ORDER BY note.at DESC, note.id DESC LIMIT $3'
    USING opened, pattern, least(most, 100), own;
END
$$;

REVOKE ALL ON FUNCTION search_cover_corrected FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_corrected TO platepost_web;
