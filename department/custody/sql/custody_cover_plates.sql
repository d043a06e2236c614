-- after: custody_selected, ledger_cover
-- Covers a page of the plates that reads have, in order, behind one; none where there are more than 5,000. Returns
-- whether there are so many, and whether some come behind the page: see `custody_cover_records`. The plate by which that
-- is told counts as compared.
CREATE OR REPLACE FUNCTION custody_cover_plates(
    opened uuid, asked jsonb, behind text, page integer, noted_for text DEFAULT NULL,
    OUT too_many boolean, OUT more boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
BEGIN
    EXECUTE 'WITH matched AS MATERIALIZED (SELECT plate_fold,'
        ' CASE WHEN bool_and(covert_group IS NOT NULL) THEN min(covert_group) END AS only_group FROM '
        || public.custody_selected('read', asked, own)
        || ' AND plate_fold > $1 GROUP BY plate_fold ORDER BY plate_fold LIMIT 5001), page AS ('
        ' SELECT *, row_number() OVER (ORDER BY plate_fold) AS place FROM matched ORDER BY plate_fold LIMIT $2 + 1'
        '), added AS ('
        ' INSERT INTO public.ledger_covered (entry, plate, compared, covert_group) SELECT $3, plate_fold, place > $2,'
        ' CASE WHEN $4 = ANY ($5) THEN $4 ELSE only_group END FROM page WHERE (SELECT count(*) FROM matched) <= 5000)'
        ' SELECT (SELECT count(*) FROM matched) > 5000, (SELECT count(*) FROM page) > $2'
    INTO too_many, more USING behind, greatest(least(page, 5000), 1), opened, noted_for, own;
END
$$;

REVOKE ALL ON FUNCTION custody_cover_plates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_plates TO platepost_web;
