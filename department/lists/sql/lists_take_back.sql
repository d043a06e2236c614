-- A hit from a post that still has the old list: its alert is withdrawn as it arrives, and nobody stops a car that was
-- found. The lock is that of `alerts_withdraw_listed`.
CREATE OR REPLACE FUNCTION lists_take_back() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    listed text := (
        SELECT plate_matched FROM custody_hit WHERE record_id = NEW.record_id AND retained_from = NEW.retained_from
    );
    gone record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(5806774217);
    SELECT who INTO gone FROM (
        SELECT person AS who, at, version FROM lists_recovery WHERE plate = listed AND NEW.covert_group IS NULL
        UNION ALL
        SELECT ended_by, ended_at, unlisted_version FROM lists_entry WHERE plate = listed AND NOT safe
        AND distribution IS NOT DISTINCT FROM NEW.covert_group AND listed_version IS NOT NULL AND ended_at IS NOT NULL
    ) AS known
    -- An older list is not in force anywhere: a package is good for seven days.
    WHERE at > clock_timestamp() - interval '7 days' AND (version IS NULL OR NEW.list_version < version)
    ORDER BY at DESC LIMIT 1;
    IF FOUND AND NOT EXISTS (
        SELECT FROM lists_in_force WHERE plate = listed AND NOT safe
        AND distribution IS NOT DISTINCT FROM NEW.covert_group
    ) THEN
        PERFORM alerts_take_back(ARRAY[NEW.record_id], 'entry_removed', gone.who, true);
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION lists_take_back FROM PUBLIC;

CREATE TRIGGER lists_take_back AFTER INSERT ON alerts_alert FOR EACH ROW EXECUTE FUNCTION lists_take_back();
