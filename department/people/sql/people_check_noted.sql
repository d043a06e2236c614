-- Who may enter certificates, training, consoles, and release a lock.
CREATE OR REPLACE FUNCTION people_check_noted() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'people_certificate' THEN
        PERFORM public.people_require(NEW.noted_by_id, NEW.person_id, '{administrator}');
    ELSIF TG_TABLE_NAME = 'people_training' THEN
        PERFORM public.people_require(NEW.trainer_id, NEW.person_id, '{trainer}');
    ELSIF TG_TABLE_NAME = 'people_console' THEN
        PERFORM public.people_require(
            CASE TG_OP WHEN 'INSERT' THEN NEW.named_by_id ELSE NEW.ended_by_id END, NULL, '{administrator,supervisor}'
        );
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM public.people_require(NEW.released_by_id, NEW.person_id, '{administrator,supervisor}');
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION people_check_noted FROM PUBLIC;

CREATE TRIGGER people_check BEFORE INSERT ON people_certificate FOR EACH ROW EXECUTE FUNCTION people_check_noted();
CREATE TRIGGER people_check BEFORE INSERT ON people_training FOR EACH ROW EXECUTE FUNCTION people_check_noted();
CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_console
    FOR EACH ROW EXECUTE FUNCTION people_check_noted();
CREATE TRIGGER people_check BEFORE UPDATE ON people_lock FOR EACH ROW EXECUTE FUNCTION people_check_noted();
