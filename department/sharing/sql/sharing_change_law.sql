-- Binds the department to a law that a second person has confirmed, in the same transaction.
CREATE OR REPLACE FUNCTION sharing_change_law() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.sharing_bind_law(NEW.law, NEW.person, NEW.confirmed_by);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION sharing_change_law FROM PUBLIC;

CREATE TRIGGER sharing_change_law AFTER UPDATE ON sharing_law FOR EACH ROW EXECUTE FUNCTION sharing_change_law();
