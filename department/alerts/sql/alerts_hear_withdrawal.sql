-- Alerts whose hits their post withdraws are withdrawn.
CREATE OR REPLACE FUNCTION alerts_hear_withdrawal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    why text;
BEGIN
    FOR why IN SELECT DISTINCT reason FROM new_withdrawals ORDER BY reason LOOP
        PERFORM alerts_take_back(ARRAY(
            SELECT alert.record_id FROM new_withdrawals AS gone
            JOIN alerts_alert AS alert ON alert.hit = gone.hit AND alert.post = gone.post WHERE gone.reason = why
        ), why, NULL, true);
    END LOOP;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_hear_withdrawal FROM PUBLIC;

CREATE TRIGGER alerts_withdrawn AFTER INSERT ON custody_withdrawal REFERENCING NEW TABLE AS new_withdrawals
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION alerts_hear_withdrawal();
