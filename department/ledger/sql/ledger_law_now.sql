-- The law that binds the department.
CREATE OR REPLACE FUNCTION ledger_law_now() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT law FROM public.ledger_law';

REVOKE ALL ON FUNCTION ledger_law_now FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_law_now TO platepost_web;

ALTER TABLE ledger_agency ALTER COLUMN law SET DEFAULT ledger_law_now();
