-- after: ledger_is_open
-- Whether the entry that the session of the database names is open: see `ledger_is_open`.
CREATE OR REPLACE FUNCTION ledger_opened(kind text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN public.ledger_is_open(nullif(current_setting('platepost.entry', true), '')::uuid, kind);
END
$$;

REVOKE ALL ON FUNCTION ledger_opened FROM PUBLIC;
