-- Deletes a household with the account, or when the person takes the consent back; returns what was sealed of it. Each
-- statement sees what whoever held the lock before has left.
CREATE OR REPLACE FUNCTION audits_forget_household(who text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audits_household ' || who, 0));
    DELETE FROM public.audits_household WHERE person = who;
    DELETE FROM public.audits_household_sealed WHERE person = who RETURNING sealed INTO was;
    RETURN was;
END
$$;

REVOKE ALL ON FUNCTION audits_forget_household FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_forget_household TO platepost_web, platepost_misuse;
