-- Who may add, invite, disable and reinstate people. The pages add a person without a way to log in: a second person
-- approves that with the first role. Supervisors must not be able to lock out those who oversee them: administrators
-- and auditors are disabled on the command line, as both roles are ended there. In an incident of an auditor's account,
-- which a records manager has opened, a supervisor ends its access for a day, once; then it is back by itself.
CREATE OR REPLACE FUNCTION people_check_person() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.people_require(NEW.made_by_id, NEW.id, '{administrator}');
        IF current_user IN ('platepost_web', 'platepost_command') AND (NEW.sponsor_id = NEW.made_by_id) IS NOT FALSE THEN
            RAISE EXCEPTION 'the sponsor must not be the one who adds the person'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF current_user IN ('platepost_web', 'platepost_command') AND NEW.invited_until IS NOT NULL
        AND (TG_OP = 'INSERT' OR NEW.invited_until IS DISTINCT FROM OLD.invited_until)
        AND NOT EXISTS (
            SELECT FROM public.people_request AS asked WHERE asked.person_id = NEW.id AND asked.kind = 'invitation'
            AND asked.approved AND asked.decided_at > clock_timestamp() - interval '1 minute'
        )
    THEN
        RAISE EXCEPTION 'an invitation needs a second person' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    IF NEW.disabled_at IS NULL AND OLD.disabled_at IS NOT NULL AND OLD.disabled_until <= clock_timestamp()
        AND NEW.active_from = OLD.active_from
    THEN
        RETURN NEW;
    END IF;
    NEW.disabled_until := OLD.disabled_until;
    IF current_user NOT IN ('platepost_web', 'platepost_command') AND NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL THEN
        NEW.disabled_until := NULL;
    ELSIF current_user IN ('platepost_web', 'platepost_command') AND NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL
    AND EXISTS (
        SELECT FROM public.people_role AS held JOIN public.sharing_incident AS incident
        ON incident.kind = 'account' AND incident.subject = NEW.login AND incident.notified_at IS NULL
        WHERE held.person_id = NEW.id AND held.role = 'auditor' AND held.ended_at IS NULL
        AND incident.at > coalesce(OLD.disabled_until, '-infinity') AND incident.person <> (
            SELECT by.login FROM public.people_person AS by WHERE by.id = NEW.changed_by_id
        )
    ) THEN
        PERFORM public.people_require(NEW.changed_by_id, NEW.id, '{supervisor}');
        NEW.disabled_until := clock_timestamp() + interval '24 hours';
    ELSIF current_user IN ('platepost_web', 'platepost_command') AND NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL
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
