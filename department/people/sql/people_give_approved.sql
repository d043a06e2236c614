-- Gives what a second person has approved. Nothing else gives a role or a certification but the command line.
CREATE OR REPLACE FUNCTION people_give_approved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.kind = 'role' THEN
        INSERT INTO public.people_role (person_id, role, given_at, given_by_id, given_via, approved_by_id)
        VALUES (NEW.person_id, NEW.value, clock_timestamp(), NEW.requested_by_id, NEW.via, NEW.decided_by_id);
    ELSIF NEW.kind = 'certification' THEN
        INSERT INTO public.people_certificate
            (person_id, certification, expires_at, noted_at, noted_by_id, approved_by_id)
        VALUES (
            NEW.person_id, NEW.value, NEW.expires_at, clock_timestamp(), NEW.requested_by_id, NEW.decided_by_id
        );
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION people_give_approved FROM PUBLIC;

CREATE TRIGGER people_approved AFTER UPDATE ON people_request
    FOR EACH ROW WHEN (NEW.approved) EXECUTE FUNCTION people_give_approved();
