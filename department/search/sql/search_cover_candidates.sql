-- after: custody_selected, ledger_cover, ledger_open, search_candidates
-- Covers the plates of the dictionary that may fit, to be compared: their texts, and when there are reads of them, by
-- `search_known`. None where there are more than 5,000. Returns how many: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_candidates(
    opened uuid, plates text[], all_of integer[], any_of text[], pattern text,
    noted_for text DEFAULT NULL
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    matched text[] := ARRAY(
        SELECT known.plate_fold FROM public.search_candidates(plates, all_of, any_of, pattern, 5001) AS known
    );
BEGIN
    INSERT INTO public.ledger_covered (entry, plate, compared, covert_group)
    SELECT opened, plate, true, CASE WHEN noted_for = ANY (own) THEN noted_for END FROM unnest(matched) AS plate
    WHERE cardinality(matched) <= 5000;
    RETURN cardinality(matched);
END
$$;

REVOKE ALL ON FUNCTION search_cover_candidates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_candidates TO platepost_web, platepost_federation;
