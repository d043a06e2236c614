-- Begins to cover more under an entry: fails unless it is open, and returns its covert groups. No role calls this, but
-- the functions that look for what is to be covered. The entry is closed before or after, never meanwhile. The pages
-- open no more under one entry than a person can look through.
CREATE OR REPLACE FUNCTION ledger_cover(opened uuid) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked jsonb;
    own text[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- By an older snapshot, what others have covered or closed since would not be seen.
        RAISE EXCEPTION 'this needs the isolation level READ COMMITTED' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(opened::text, 7528300159));
    IF NOT public.ledger_is_open(opened, 'intent') THEN
        RAISE EXCEPTION 'the entry is closed, or too old' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT min(body.value) FILTER (WHERE body.field = 'query'),
        ARRAY(SELECT json_array_elements_text((min(body.value) FILTER (WHERE body.field = 'groups'))::json))
    INTO asked, own FROM public.ledger_body AS body WHERE body.entry = opened AND body.field IN ('query', 'groups');
    IF jsonb_typeof(asked) = 'object' AND asked ?| '{console,sample}' THEN
        RAISE EXCEPTION 'this entry opens what it names, and no more' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF coalesce(nullif(current_setting('role'), 'none'), session_user) IN (
        'platepost_web', 'platepost_federation'
    ) AND (
        SELECT count(*) FROM public.ledger_covered AS covered WHERE covered.entry = opened
    ) > 20000 THEN
        RAISE EXCEPTION 'too much for one entry' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN coalesce(own, '{}');
END
$$;

REVOKE ALL ON FUNCTION ledger_cover FROM PUBLIC;
