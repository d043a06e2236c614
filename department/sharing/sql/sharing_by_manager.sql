-- Whoever enters that something is shared is the records manager, by whatever way. A supervisor, too, is the second
-- person.
CREATE OR REPLACE FUNCTION sharing_by_manager() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'ledger_sharing' AND to_jsonb(NEW) ->> 'ended_by' IS NULL THEN
        PERFORM public.sharing_require(to_jsonb(NEW) ->> 'confirmed_by', '{records_manager,supervisor}');
        RETURN NEW;
    END IF;
    PERFORM public.sharing_require(coalesce(to_jsonb(NEW) ->> 'ended_by', NEW.person), '{records_manager}');
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_by_manager FROM PUBLIC;

CREATE TRIGGER sharing_by_manager BEFORE INSERT ON ledger_verification
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
CREATE TRIGGER sharing_by_manager BEFORE INSERT ON sharing_policy FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
CREATE TRIGGER sharing_by_manager BEFORE INSERT OR UPDATE OF confirmed_by, ended_by ON ledger_sharing
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
