-- A household is deleted with the account.
CREATE OR REPLACE FUNCTION audits_forget_disabled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.audits_forget_household(NEW.login);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION audits_forget_disabled FROM PUBLIC;

CREATE TRIGGER audits_forget AFTER UPDATE ON people_person FOR EACH ROW
    WHEN (NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL) EXECUTE FUNCTION audits_forget_disabled();
