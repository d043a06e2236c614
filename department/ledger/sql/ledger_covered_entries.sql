-- after: ledger_log_open
-- The entries of the ledger that the session's entry covers: see `ledger_cover_entries`. Row security asks for it once a
-- statement.
CREATE OR REPLACE FUNCTION ledger_covered_entries() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN public.ledger_log_open() THEN ARRAY(
        SELECT line.entry FROM public.ledger_covered AS covered JOIN public.ledger_entry AS line USING (number)
        WHERE covered.entry = nullif(current_setting('platepost.entry', true), '')::uuid
        AND pg_xact_status(covered.transaction) = 'committed'
    ) END;
END
$$;

REVOKE ALL ON FUNCTION ledger_covered_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_covered_entries TO platepost_web;
