-- Locks alerts that are answered together, in the order in which the keeper locks those that it takes back: neither waits
-- for the other in a circle.
CREATE OR REPLACE FUNCTION alerts_lock(records bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM alerts_alert AS alert WHERE alert.record_id = ANY (records) ORDER BY alert.record_id FOR UPDATE;
END
$$;

REVOKE ALL ON FUNCTION alerts_lock FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_lock TO platepost_web;
