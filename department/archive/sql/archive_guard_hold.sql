-- Placing and lifting wait for the part of a purge that is at hand, and that for them.
CREATE OR REPLACE FUNCTION archive_guard_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    free text[] := '{review_on,lifted_by,lifted_at,lifted_because}';
BEGIN
    PERFORM pg_advisory_xact_lock_shared(6203300981);
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (
        OLD.lifted_at IS NOT NULL OR to_jsonb(OLD) - free <> to_jsonb(NEW) - free
    ) THEN
        RAISE EXCEPTION 'a hold is reviewed or lifted, never changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_hold_final';
    ELSIF TG_OP = 'INSERT' THEN
        NEW.placed_at := clock_timestamp();
        IF NEW.lifted_at IS NOT NULL OR NEW.kind <> 'restored backup' AND EXISTS (
            SELECT FROM unnest(NEW.records) AS wanted WHERE NOT EXISTS (
                SELECT FROM custody_record
                WHERE id = wanted AND (covert_group IS NULL OR covert_group = ANY (NEW.groups))
            )
        ) THEN
            RAISE EXCEPTION 'a record that is to be held is not kept any more, or never was'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_hold_gone';
        END IF;
        NEW.passages := ARRAY(
            SELECT passage FROM custody_read WHERE record_id = ANY (NEW.records)
            UNION SELECT passage FROM custody_hit WHERE record_id = ANY (NEW.records)
            UNION SELECT passage FROM custody_withdrawal WHERE record_id = ANY (NEW.records)
        );
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_hold FROM PUBLIC;

CREATE TRIGGER archive_hold_guarded BEFORE INSERT OR UPDATE OR DELETE ON archive_hold
    FOR EACH ROW EXECUTE FUNCTION archive_guard_hold();
