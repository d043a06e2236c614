-- Alerts are deleted with their hits, and counted by the quarter of an hour, for a month's public count. A decision
-- stays for its own term although the law has its hit deleted sooner, and with it its alert, which has no plate. A hit
-- whose entry left the list afterwards counts as what it had come to before.
CREATE OR REPLACE FUNCTION alerts_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    WITH forgotten AS (
        DELETE FROM alerts_alert AS gone WHERE gone.retained_from >= NEW.begins AND gone.retained_from < NEW.ends
        AND NOT EXISTS (SELECT FROM custody_hit AS stored WHERE stored.record_id = gone.record_id)
        AND NOT EXISTS (SELECT FROM alerts_decision AS stored WHERE stored.record_id = gone.record_id)
        RETURNING gone.*
    )
    INSERT INTO alerts_forgotten AS known
    SELECT date_bin('15 minutes', captured_at, '2000-01-01Z'),
        CASE WHEN withdrawn_because = 'entry_removed' THEN withdrawn_from ELSE coalesce(answered_as, state) END, count(*)
    FROM forgotten WHERE covert_group IS NULL GROUP BY 1, 2
    ON CONFLICT ON CONSTRAINT alerts_forgotten_pkey DO UPDATE SET count = known.count + excluded.count;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_forget FROM PUBLIC;

CREATE TRIGGER alerts_forget AFTER UPDATE OF dropped_at ON archive_part FOR EACH ROW
    WHEN (OLD.dropped_at IS NULL AND NEW.dropped_at IS NOT NULL) EXECUTE FUNCTION alerts_forget();
