-- after: ledger_open
-- Whether the open entry names a case: what is shown only for a case asks this, and not the program.
CREATE OR REPLACE FUNCTION search_case_given() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT public.ledger_open() AND EXISTS (
    SELECT FROM public.ledger_body AS body
    WHERE body.entry = nullif(current_setting('platepost.entry', true), '')::uuid
    AND body.field = 'case' AND btrim(body.value::json #>> '{}') <> ''
)
$$;

REVOKE ALL ON FUNCTION search_case_given FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_case_given TO platepost_web;
