-- after: custody_selected, ledger_cover
-- Covers the plates of a page of reads and hits behind one, in order, for whom a breach affects: see
-- `custody_cover_records`.
CREATE OR REPLACE FUNCTION custody_cover_kept(opened uuid, asked jsonb, behind text, page integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    source text;
BEGIN
    FOREACH source IN ARRAY '{read,hit}'::text[] LOOP
        EXECUTE 'INSERT INTO public.ledger_covered (entry, plate, covert_group) SELECT $1, plate_fold,'
            ' CASE WHEN bool_and(covert_group IS NOT NULL) THEN min(covert_group) END FROM '
            || public.custody_selected(source, asked, own)
            || ' AND plate_fold > $2 GROUP BY plate_fold ORDER BY plate_fold LIMIT $3'
        USING opened, behind, least(page, 1000);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION custody_cover_kept FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_kept TO platepost_web;
