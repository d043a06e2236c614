-- after: custody_selected, ledger_cover
-- Covers reads or hits, the latest first, by their records; returns whether there are more: see `custody_cover_records`.
-- The plate of the one by which that is told counts as compared.
CREATE OR REPLACE FUNCTION custody_cover_rows(
    opened uuid, source text, asked jsonb, most integer, noted_for text DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    more boolean;
BEGIN
    EXECUTE 'WITH matched AS MATERIALIZED (SELECT *, row_number() OVER (ORDER BY captured_at DESC, record_id DESC) AS place'
        ' FROM (SELECT record_id, plate_fold, covert_group, captured_at FROM '
        || public.custody_selected(source, asked, own)
        || ' ORDER BY captured_at DESC, record_id DESC LIMIT $1 + 1) AS latest), added AS ('
        ' INSERT INTO public.ledger_covered (entry, record, plate, compared, covert_group) SELECT $2,'
        ' CASE WHEN place <= $1 THEN record_id END, CASE WHEN place > $1 THEN plate_fold END, place > $1,'
        ' CASE WHEN $3 = ANY ($4) THEN $3 ELSE covert_group END FROM matched)'
        ' SELECT count(*) > $1 FROM matched'
    INTO more USING greatest(least(most, 1000), 1), opened, noted_for, own;
    RETURN more;
END
$$;

REVOKE ALL ON FUNCTION custody_cover_rows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_rows TO platepost_web, platepost_federation;
