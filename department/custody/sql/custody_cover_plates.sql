-- after: custody_matching_plates, ledger_cover
-- Covers a page of the plates that reads have, in order, behind one; none where there are more than 5,000. Returns
-- whether there are so many, and whether some come behind the page: see `custody_cover_records`. The plate by which that
-- is told counts as compared.
CREATE OR REPLACE FUNCTION custody_cover_plates(
    opened uuid, asked jsonb, behind text, page integer, noted_for text DEFAULT NULL,
    OUT too_many boolean, OUT more boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    most integer := greatest(least(page, 5000), 1);
BEGIN
    WITH matched AS MATERIALIZED (
        SELECT each.plate, each.only_group, row_number() OVER (ORDER BY each.plate) AS place
        FROM public.custody_matching_plates(asked, own, behind) AS each
    ), added AS (
        INSERT INTO public.ledger_covered (entry, plate, compared, covert_group)
        SELECT opened, matched.plate, matched.place > most,
            CASE WHEN noted_for = ANY (own) THEN noted_for ELSE matched.only_group END
        FROM matched WHERE matched.place <= most + 1 AND (SELECT count(*) FROM matched) <= 5000
    )
    SELECT count(*) > 5000, count(*) > most INTO too_many, more FROM matched;
END
$$;

REVOKE ALL ON FUNCTION custody_cover_plates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_plates TO platepost_web, platepost_federation;
