-- after: custody_selected, ledger_cover, ledger_open, search_candidates
-- Covers what the dictionary has of plates that are spelled out, and of those that hide a character of one: see
-- `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_spelled(
    opened uuid, spellings text, hiding text[], pattern text, most integer, noted_for text DEFAULT NULL
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    number integer;
BEGIN
    INSERT INTO public.ledger_covered (entry, plate, covert_group)
    SELECT opened, known.plate_fold, CASE WHEN noted_for = ANY (own) THEN noted_for END FROM public.search_candidates(
        string_to_array(spellings, ','), '{}', hiding, pattern, least(most, 5001)
    ) AS known;
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END
$$;

REVOKE ALL ON FUNCTION search_cover_spelled FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_spelled TO platepost_web, platepost_federation;
