-- Opens an entry for whoever has a session of the pages: see `ledger_intent`. In PL/pgSQL, so that it is planned once a
-- session of the database.
CREATE OR REPLACE FUNCTION ledger_begin(given text, event text, fields json) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (public.ledger_enter_each(
        event, ARRAY[NULL::uuid], json_build_array(public.ledger_intent(given, event, fields))
    ))[1];
END
$$;

REVOKE ALL ON FUNCTION ledger_begin FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_begin TO platepost_web;
