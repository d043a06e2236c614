-- Makes one entry, and returns its name. In PL/pgSQL, so that it is planned once a session.
CREATE OR REPLACE FUNCTION ledger_append(event text, refers_to uuid, fields json) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (public.ledger_append_each(event, ARRAY[refers_to], json_build_array(fields)))[1];
END
$$;

REVOKE ALL ON FUNCTION ledger_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_append TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_misuse, platepost_webhook, platepost_federation;
