-- Who may add, disable and reinstate people. Supervisors must not be able to lock out those who oversee them:
-- administrators and auditors are disabled on the command line, as both roles are ended there.
CREATE OR REPLACE FUNCTION people_check_person() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.people_require(NEW.made_by_id, NEW.id, '{administrator}');
    ELSIF current_user = 'platepost_web' AND NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL
    AND EXISTS (
        SELECT FROM public.people_role AS held WHERE held.person_id = NEW.id AND held.ended_at IS NULL
        AND held.role IN ('administrator', 'auditor')
    ) THEN
        RAISE EXCEPTION 'administrators and auditors are disabled on the command line'
            USING ERRCODE = 'insufficient_privilege';
    ELSIF (NEW.disabled_at, NEW.active_from) IS DISTINCT FROM (OLD.disabled_at, OLD.active_from) THEN
        PERFORM public.people_require(NEW.changed_by_id, NEW.id, CASE
            WHEN NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL THEN '{administrator,supervisor}'::text[]
            ELSE '{administrator}' END);
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION people_check_person FROM PUBLIC;

CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_person
    FOR EACH ROW EXECUTE FUNCTION people_check_person();
