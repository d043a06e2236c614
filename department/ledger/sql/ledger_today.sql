-- The day that it is where the department is.
CREATE OR REPLACE FUNCTION ledger_today() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT (clock_timestamp() AT TIME ZONE timezone)::date FROM public.ledger_department
$$;

REVOKE ALL ON FUNCTION ledger_today FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_today TO platepost_web;
