-- after: ledger_is_open
-- The entries of the list that are listed by the entry of the ledger that the session of the database names: see
-- `lists_show`. It counts for five minutes, and never in the transaction that made it: rolled back, it would leave no
-- trace of what was read.
CREATE OR REPLACE FUNCTION lists_opened() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    opened uuid := nullif(current_setting('platepost.list_shown', true), '')::uuid;
BEGIN
    IF NOT public.ledger_is_open(opened, 'list_shown') THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT number::bigint FROM public.ledger_body AS body
        CROSS JOIN jsonb_path_query(body.value::jsonb, CASE body.field
            WHEN 'numbers' THEN 'strict $[*]' WHEN 'covert' THEN 'strict $.*.numbers[*]'
        END::jsonpath) AS number
        WHERE body.entry = opened AND body.field IN ('numbers', 'covert')
    );
END
$$;

REVOKE ALL ON FUNCTION lists_opened FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_opened TO platepost_web;
