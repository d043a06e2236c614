-- The covert groups that the open entry names. In PL/pgSQL, as all that each read of a record asks first: planned once
-- a session.
CREATE OR REPLACE FUNCTION ledger_groups() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT name FROM public.ledger_body AS body, json_array_elements_text(body.value::json) AS name
        WHERE body.entry = nullif(current_setting('platepost.entry', true), '')::uuid AND body.field = 'groups'
        AND (public.ledger_open() OR public.ledger_log_open())
    );
END
$$;

REVOKE ALL ON FUNCTION ledger_groups FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_groups TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_misuse;
