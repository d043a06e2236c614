-- after: custody_selected, ledger_cover
-- Covers the records that follow one, for a full export: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION custody_cover_after(opened uuid, behind bigint, most integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
BEGIN
    INSERT INTO public.ledger_covered (entry, record, covert_group)
    SELECT opened, stored.id, stored.covert_group FROM public.custody_record AS stored
    WHERE stored.id > behind AND (stored.covert_group IS NULL OR stored.covert_group = ANY (own))
    ORDER BY stored.id LIMIT most;
END
$$;

REVOKE ALL ON FUNCTION custody_cover_after FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_after TO platepost_command;
