-- An incident is entered once; its exposure may be computed again until people were notified.
CREATE OR REPLACE FUNCTION sharing_guard_incident() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    more text[] := '{computed_at,plates,reads,gone,digest,notified_by,notified_at}';
BEGIN
    IF TG_OP = 'INSERT' OR NEW.notified_by IS NOT NULL THEN
        PERFORM public.sharing_require(coalesce(NEW.notified_by, NEW.person), '{records_manager}');
    END IF;
    IF TG_OP = 'INSERT' AND num_nonnulls(NEW.computed_at, NEW.notified_at) > 0 OR TG_OP = 'UPDATE' AND (
        OLD.notified_at IS NOT NULL OR to_jsonb(NEW) - more <> to_jsonb(OLD) - more
    ) THEN
        RAISE EXCEPTION 'an incident stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_guard_incident FROM PUBLIC;

CREATE TRIGGER sharing_guard_incident BEFORE INSERT OR UPDATE ON sharing_incident
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_incident();
