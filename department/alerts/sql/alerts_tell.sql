-- A decision is delivered to each webhook that may have it when it is made.
CREATE OR REPLACE FUNCTION alerts_tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO alerts_delivery (webhook_id, decision_id) SELECT id, NEW.id FROM alerts_webhook_open;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_tell FROM PUBLIC;

CREATE TRIGGER alerts_tell AFTER INSERT ON alerts_decision FOR EACH ROW WHEN (NEW.covert_group IS NULL)
    EXECUTE FUNCTION alerts_tell();
