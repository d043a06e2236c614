-- Whoever enters that something is shared is the records manager, by whatever way.
CREATE OR REPLACE FUNCTION sharing_by_manager() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.sharing_require(coalesce(to_jsonb(NEW) ->> 'ended_by', NEW.person), '{records_manager}');
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_by_manager FROM PUBLIC;

CREATE TRIGGER sharing_by_manager BEFORE INSERT ON ledger_verification
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
CREATE TRIGGER sharing_by_manager BEFORE INSERT ON sharing_policy FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
CREATE TRIGGER sharing_by_manager BEFORE INSERT OR UPDATE OF ended_by ON ledger_sharing
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
