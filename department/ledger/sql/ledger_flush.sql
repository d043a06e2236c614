-- Once this has committed, durably, so have all that committed before.
CREATE OR REPLACE FUNCTION ledger_flush() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'ledger', '');
END
$$;

REVOKE ALL ON FUNCTION ledger_flush FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_flush TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_misuse, platepost_webhook, platepost_federation;
