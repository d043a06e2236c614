-- after: ledger_open
-- The records that the session's entry covers, as the keys of an object: see `ledger_covered_plates`.
CREATE OR REPLACE FUNCTION ledger_covered_records() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.ledger_open() THEN
        RETURN (
            SELECT jsonb_object_agg(covered.record, NULL) FROM public.ledger_covered AS covered
            WHERE covered.entry = nullif(current_setting('platepost.entry', true), '')::uuid
            AND covered.record IS NOT NULL AND pg_xact_status(covered.transaction) = 'committed'
        );
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_covered_records FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_covered_records TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_webhook, platepost_federation;
