-- after: ledger_open
-- The plates that the session's entry covers: row security of reads asks this. In PL/pgSQL, so that it is planned once a
-- session.
CREATE OR REPLACE FUNCTION ledger_covered_plates() RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 30 AS $$
BEGIN
    IF public.ledger_open() THEN
        RETURN QUERY SELECT DISTINCT covered.plate FROM public.ledger_covered AS covered
        WHERE covered.entry = nullif(current_setting('platepost.entry', true), '')::uuid AND covered.plate IS NOT NULL
        AND NOT covered.compared AND pg_xact_status(covered.transaction) = 'committed';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger_covered_plates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_covered_plates TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer;
