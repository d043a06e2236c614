-- after: ledger_opened
-- Whether an entry is open under which the ledger may be read.
CREATE OR REPLACE FUNCTION ledger_log_open() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
    $$SELECT public.ledger_opened('log_intent')$$;

REVOKE ALL ON FUNCTION ledger_log_open FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_log_open TO platepost_web, platepost_misuse;
