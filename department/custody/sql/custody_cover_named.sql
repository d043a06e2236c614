-- after: custody_selected, ledger_cover
-- Covers plates by name, those that reads have: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION custody_cover_named(opened uuid, plates text[], noted_for text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
BEGIN
    IF cardinality(plates) > 5001 THEN
        RAISE EXCEPTION 'too much for one entry' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.ledger_covered (entry, plate, covert_group)
    SELECT opened, known.plate_fold, CASE WHEN noted_for = ANY (own) THEN noted_for END
    FROM public.search_plate AS known WHERE known.plate_fold = ANY (plates);
    IF cardinality(own) > 0 THEN  -- the dictionary has no plate of covert reads alone
        INSERT INTO public.ledger_covered (entry, plate, covert_group)
        SELECT opened, stored.plate_fold, CASE WHEN noted_for = ANY (own) THEN noted_for ELSE min(stored.covert_group) END
        FROM public.custody_read AS stored WHERE stored.plate_fold = ANY (plates) AND stored.covert_group = ANY (own)
        AND NOT EXISTS (SELECT FROM public.search_plate AS known WHERE known.plate_fold = stored.plate_fold)
        GROUP BY stored.plate_fold;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION custody_cover_named FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_cover_named TO platepost_web, platepost_federation;
