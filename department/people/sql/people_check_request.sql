-- What gives access has two persons: an administrator, or the command line, asks, and another person approves. The
-- first role of a person is approved by their sponsor, if they have one who can.
CREATE OR REPLACE FUNCTION people_check_request() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deciding text[] := '{decided_by_id,decided_at,approved}';
    answers_for bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.people_require(NEW.requested_by_id, NEW.person_id, '{administrator}');
        IF NEW.kind = 'role' THEN
            IF current_user IN ('platepost_web', 'platepost_command') AND NEW.value IN ('administrator', 'auditor') THEN
                RAISE EXCEPTION 'the role % is given and ended on the command line', NEW.value
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            PERFORM public.people_require_side(NEW.person_id, NEW.value);
            IF EXISTS (
                SELECT FROM public.people_role AS held
                WHERE held.person_id = NEW.person_id AND held.role = NEW.value AND held.ended_at IS NULL
            ) THEN
                RAISE EXCEPTION 'they have this role already' USING ERRCODE = 'check_violation';
            END IF;
        END IF;
        IF num_nonnulls(NEW.decided_by_id, NEW.decided_at, NEW.approved) > 0 THEN
            RAISE EXCEPTION 'a request begins undecided' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.decided_at IS NOT NULL OR num_nulls(NEW.decided_by_id, NEW.decided_at, NEW.approved) > 0
        OR to_jsonb(NEW) - deciding <> to_jsonb(OLD) - deciding
    THEN
        RAISE EXCEPTION 'a request is decided once, by a second person' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM public.people_require(NEW.decided_by_id, NEW.person_id, '{administrator,supervisor}');
    IF NEW.decided_by_id = NEW.requested_by_id THEN
        RAISE EXCEPTION 'another person than the one who asks approves' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.approved AND NOT EXISTS (SELECT FROM public.people_role AS held WHERE held.person_id = NEW.person_id) THEN
        SELECT person.sponsor_id INTO answers_for
        FROM public.people_person AS person JOIN public.people_person AS sponsor ON sponsor.id = person.sponsor_id
        WHERE person.id = NEW.person_id AND sponsor.disabled_at IS NULL AND EXISTS (
            SELECT FROM public.people_role AS held WHERE held.person_id = sponsor.id
            AND held.role IN ('administrator', 'supervisor') AND held.ended_at IS NULL
        );
        IF answers_for <> NEW.decided_by_id AND answers_for IS DISTINCT FROM NEW.requested_by_id THEN
            RAISE EXCEPTION 'the sponsor approves the first role of a person' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION people_check_request FROM PUBLIC;

CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_request
    FOR EACH ROW EXECUTE FUNCTION people_check_request();
