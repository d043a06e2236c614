-- Whether an entry is open under which records may be read.
CREATE OR REPLACE FUNCTION ledger_open() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN public.ledger_opened('intent');
END
$$;

REVOKE ALL ON FUNCTION ledger_open FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_webhook, platepost_federation;
