-- after: ledger_open
-- What the dictionary has of the plates that the session's entry covers, or only compares.
CREATE OR REPLACE FUNCTION search_known(only_compared boolean) RETURNS SETOF public.search_plate
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    IF public.ledger_open() THEN
        RETURN QUERY SELECT known.* FROM public.search_plate AS known WHERE known.plate_fold = ANY (ARRAY(
            SELECT covered.plate FROM public.ledger_covered AS covered
            WHERE covered.entry = nullif(current_setting('platepost.entry', true), '')::uuid
            AND covered.plate IS NOT NULL AND covered.compared = only_compared
            AND pg_xact_status(covered.transaction) = 'committed'
        ));
    END IF;
END
$$;

REVOKE ALL ON FUNCTION search_known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_known TO platepost_web, platepost_federation;
