-- A random read that was purged before two people agreed on it is nobody's to label, and counts as nothing.
CREATE OR REPLACE FUNCTION alerts_forget_samples() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE alerts_sample AS sample SET gone = true WHERE NOT gone AND week > current_date - 100
        AND NOT EXISTS (SELECT FROM custody_read AS stored WHERE stored.record_id = sample.record_id);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_forget_samples FROM PUBLIC;

CREATE TRIGGER alerts_forget_samples AFTER UPDATE OF dropped_at ON archive_part FOR EACH ROW
    WHEN (OLD.dropped_at IS NULL AND NEW.dropped_at IS NOT NULL AND NEW.class IN ('no_hit', 'hit', 'held'))
    EXECUTE FUNCTION alerts_forget_samples();
