-- An alert is made of a hit that exists, to the owner and to a superuser in the role of a replica as well.
CREATE OR REPLACE FUNCTION alerts_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.custody_hit AS known WHERE known.record_id = NEW.record_id
        AND known.retained_from = NEW.retained_from AND known.hit = NEW.hit AND known.post = NEW.post
    ) THEN
        RAISE EXCEPTION 'an alert has no hit' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'alerts_recorded';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_recorded FROM PUBLIC;

CREATE TRIGGER alerts_recorded AFTER INSERT OR UPDATE OF record_id, retained_from, hit, post ON alerts_alert
    FOR EACH ROW EXECUTE FUNCTION alerts_recorded();
ALTER TABLE alerts_alert ENABLE ALWAYS TRIGGER alerts_recorded;
