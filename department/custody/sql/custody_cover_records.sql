-- after: custody_selected, ledger_cover
-- Covers records by their number. As all `..._cover_...` functions, it looks for what an entry of the ledger is to open,
-- covers it, and returns none of it. What is covered can be read once that is committed, and stands in `shown`.
-- `noted_for`: the covert group whose matter the look is.
CREATE OR REPLACE FUNCTION custody_cover_records(opened uuid, records bigint[], noted_for text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
BEGIN
    INSERT INTO public.ledger_covered (entry, record, covert_group)
    SELECT opened, stored.id, CASE WHEN noted_for = ANY (own) THEN noted_for ELSE stored.covert_group END
    FROM public.custody_record AS stored WHERE stored.id = ANY (records)
    AND (stored.covert_group IS NULL OR stored.covert_group = ANY (own));
END
$$;

REVOKE ALL ON FUNCTION custody_cover_records FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_records TO platepost_web;
