-- Each person labels a read once, and two who agree settle it.
CREATE OR REPLACE FUNCTION alerts_guard_label() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM alerts_sample WHERE id = NEW.sample_id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM alerts_refuse('alerts_unknown', 'There is no such sample.');
    ELSIF EXISTS (SELECT FROM alerts_label WHERE sample_id = NEW.sample_id AND person = NEW.person)
        OR EXISTS (SELECT FROM alerts_settled WHERE sample_id = NEW.sample_id) THEN
        PERFORM alerts_refuse('alerts_settled', 'You have labeled it, or two others have.');
    ELSIF NOT EXISTS (
        SELECT FROM alerts_transition AS way WHERE way.step = 'take'
        AND alerts_current(NEW.person, way.roles, way.certifications, way.topics)
    ) THEN
        PERFORM alerts_refuse('alerts_lapsed', 'Your roles, certificates or training do not allow this now.');
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION alerts_guard_label FROM PUBLIC;

CREATE TRIGGER alerts_guarded BEFORE INSERT ON alerts_label FOR EACH ROW EXECUTE FUNCTION alerts_guard_label();
