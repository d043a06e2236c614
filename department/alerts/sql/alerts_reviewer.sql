-- Whoever went on without a second person does not review that, even if somebody else has compared by eye.
CREATE OR REPLACE FUNCTION alerts_reviewer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM alerts_step AS own
        WHERE own.record_id = NEW.record_id AND own.step = 'substitute' AND own.person = NEW.person
    ) THEN
        PERFORM alerts_refuse('alerts_review', 'There is nothing to review, or it is your own.');
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION alerts_reviewer FROM PUBLIC;

CREATE TRIGGER alerts_a_reviewer BEFORE INSERT ON alerts_step FOR EACH ROW WHEN (NEW.step = 'review')
    EXECUTE FUNCTION alerts_reviewer();
