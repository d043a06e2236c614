-- after: custody_selected, ledger_cover, ledger_open, search_candidates
-- Covers a plate, and those that passed within a time of it at several posts: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_companions(
    opened uuid, asked jsonb, passages integer, gap interval, least_posts integer, most integer
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    plates text[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'plates'));
BEGIN
    EXECUTE 'INSERT INTO public.ledger_covered (entry, plate)'
        ' WITH passage AS MATERIALIZED (SELECT post, captured_at FROM '
        || public.custody_selected('read', asked || '{"compared": true}', own)
        || ' ORDER BY captured_at DESC LIMIT $1), near AS ('
        ' SELECT other.plate_fold FROM passage CROSS JOIN LATERAL ('
        '  SELECT plate_fold FROM public.custody_read WHERE class <> ''doubtful'' AND covert_group IS NULL'
        '  AND post = passage.post AND captured_at BETWEEN passage.captured_at - $2 AND passage.captured_at + $2'
        '  AND retained_from BETWEEN passage.captured_at - $2 AND passage.captured_at + $2 + interval ''31 days'''
        ' ) AS other WHERE other.plate_fold <> ALL ($3) GROUP BY other.plate_fold'
        ' HAVING count(DISTINCT passage.post) >= $4 ORDER BY count(DISTINCT passage) DESC, other.plate_fold LIMIT $5)'
        ' SELECT $6, plate_fold FROM near'
        ' UNION SELECT $6, plate_fold FROM public.search_plate WHERE plate_fold = ANY ($3)'
    USING least(passages, 500), gap, plates, least_posts, least(most, 1000), opened;
END
$$;

REVOKE ALL ON FUNCTION search_cover_companions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_companions TO platepost_web;
