-- after: ledger_open
-- The plates that the session's entry covers, as the keys of an object: row security of reads asks for it once a
-- statement, in whichever partitions they lie, and finds a key by halving. In PL/pgSQL, so that it is planned once a
-- session.
CREATE OR REPLACE FUNCTION ledger_covered_plates() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.ledger_open() THEN
        RETURN (
            SELECT jsonb_object_agg(covered.plate, NULL) FROM public.ledger_covered AS covered
            WHERE covered.entry = nullif(current_setting('platepost.entry', true), '')::uuid
            AND covered.plate IS NOT NULL AND NOT covered.compared
            AND pg_xact_status(covered.transaction) = 'committed'
        );
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_covered_plates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_covered_plates TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_federation;
