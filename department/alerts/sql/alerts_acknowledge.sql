-- Whoever acknowledges the lists has seen the newest one, and may act on alerts.
CREATE OR REPLACE FUNCTION alerts_acknowledge() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.at := clock_timestamp();
    IF NEW.list_version IS DISTINCT FROM alerts_newest_list() THEN
        PERFORM alerts_refuse('alerts_old_list', 'There is a newer list than the one you saw. Look again.');
    ELSIF NOT EXISTS (
        SELECT FROM alerts_transition AS way WHERE way.step = 'take'
        AND alerts_current(NEW.person, way.roles, way.certifications, way.topics)
    ) THEN
        PERFORM alerts_refuse('alerts_lapsed', 'Your roles, certificates or training do not allow this now.');
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION alerts_acknowledge FROM PUBLIC;

CREATE TRIGGER alerts_acknowledge BEFORE INSERT ON alerts_acknowledgment
    FOR EACH ROW EXECUTE FUNCTION alerts_acknowledge();
