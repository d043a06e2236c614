-- after: ledger_open
-- The records that the session's entry covers: row security of records asks this. In PL/pgSQL, so that it is planned once
-- a session.
CREATE OR REPLACE FUNCTION ledger_covered_records() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 30 AS $$
BEGIN
    IF public.ledger_open() THEN
        RETURN QUERY SELECT DISTINCT covered.record FROM public.ledger_covered AS covered
        WHERE covered.entry = nullif(current_setting('platepost.entry', true), '')::uuid AND covered.record IS NOT NULL
        AND pg_xact_status(covered.transaction) = 'committed';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger_covered_records FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_covered_records TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer;
