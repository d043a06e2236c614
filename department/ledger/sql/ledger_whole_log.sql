-- after: ledger_log_bound, ledger_log_open
-- Whether an entry is open under which the whole ledger may be counted.
CREATE OR REPLACE FUNCTION ledger_whole_log() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.ledger_log_open() THEN
        RETURN public.ledger_log_bound(nullif(current_setting('platepost.entry', true), '')::uuid) IS NULL;
    END IF;
    RETURN false;
END
$$;

REVOKE ALL ON FUNCTION ledger_whole_log FROM PUBLIC;
