-- after: ledger_agency_refusal
-- Why people of an agency have no access at a moment; null for the department's own. Others need an agreement by which
-- is searched on the agency's behalf, for the purpose where one is given.
CREATE OR REPLACE FUNCTION ledger_agency_lack(named text, wanted text, moment timestamptz) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM public.ledger_department AS own WHERE named IS DISTINCT FROM own.agency) THEN
        RETURN public.ledger_agency_refusal(named, wanted, 'search', moment);
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_agency_lack FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_agency_lack TO platepost_web;
