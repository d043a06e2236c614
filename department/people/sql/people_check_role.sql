-- Duties are separate: whose roles are of one side has none of another. As `SIDES` and `CONSOLE_ONLY` in rights.py. The
-- pages cannot add rows: people_give_approved does, once a second person has approved.
CREATE OR REPLACE FUNCTION people_check_role() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lack text;
BEGIN
    PERFORM pg_advisory_xact_lock(7528300158);
    PERFORM public.people_require(
        CASE TG_OP WHEN 'INSERT' THEN NEW.given_by_id ELSE NEW.ended_by_id END, NEW.person_id, '{administrator}'
    );
    IF current_user IN ('platepost_web', 'platepost_command') AND NEW.role IN ('administrator', 'auditor') THEN
        RAISE EXCEPTION 'the role % is given and ended on the command line', NEW.role
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL) THEN
        RAISE EXCEPTION 'a role that was given is only ended, once' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM public.people_require_side(NEW.person_id, NEW.role);
        -- A trainer from outside sees no record.
        IF NEW.role <> 'trainer' THEN
            SELECT public.ledger_agency_lack(person.agency, NULL, clock_timestamp()) INTO lack
            FROM public.people_person AS person WHERE person.id = NEW.person_id;
        END IF;
        IF lack IS NOT NULL THEN
            RAISE EXCEPTION 'no agreement gives people of this agency access: %', lack
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION people_check_role FROM PUBLIC;

CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_role
    FOR EACH ROW EXECUTE FUNCTION people_check_role();
