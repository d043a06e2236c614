-- after: ledger_enter_each
-- Makes entries of one kind, if the role that calls may: see `ledger_enter_each`. No
-- statement is planned again for each entry: they find rows by their keys, whatever the values.
CREATE OR REPLACE FUNCTION ledger_append_each(event text, refers_to uuid[], fields json) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    -- Who calls; the function itself acts as the owner.
    caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
BEGIN
    IF EXISTS (SELECT FROM public.ledger_event AS catalog WHERE catalog.event = event) AND NOT EXISTS (
        SELECT FROM public.ledger_event AS catalog CROSS JOIN unnest(catalog.writers || '{platepost_owner}') AS writer
        WHERE catalog.event = event AND pg_has_role(caller, writer, 'MEMBER')
    ) THEN
        RAISE EXCEPTION '% may not enter %', caller, event USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF caller IN ('platepost_web', 'platepost_webhook', 'platepost_federation') AND octet_length(fields::text) > 1048576 THEN
        RAISE EXCEPTION 'this is too long for the ledger' USING ERRCODE = 'check_violation';
    END IF;
    RETURN public.ledger_enter_each(event, refers_to, fields);
END
$$;

REVOKE ALL ON FUNCTION ledger_append_each FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_append_each TO platepost_web;
