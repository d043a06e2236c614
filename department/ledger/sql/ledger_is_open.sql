-- Whether an entry is of a kind, recent, and not closed. An intent of the transaction that reads is not open: rolled
-- back, it would leave no trace of what was read. In PL/pgSQL, so that it is planned once a session.
CREATE OR REPLACE FUNCTION ledger_is_open(asked uuid, kind text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.ledger_entry AS intent
        WHERE intent.entry = asked
        AND intent.event = kind
        AND intent.at > clock_timestamp() - interval '5 minutes'
        AND pg_xact_status(intent.transaction) = 'committed'
        AND NOT EXISTS (
            SELECT FROM public.ledger_entry AS later
            WHERE later.refers_to = intent.entry AND later.event IN ('shown', 'failed')
        )
    );
END
$$;

REVOKE ALL ON FUNCTION ledger_is_open FROM PUBLIC;
