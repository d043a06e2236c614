-- A backup is kept until its term is over, and then removed, once.
CREATE OR REPLACE FUNCTION archive_guard_backup() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.removed_at IS NOT NULL OR NEW.removed_at IS NULL
        OR (NEW.name, NEW.sha256, NEW.made_at) <> (OLD.name, OLD.sha256, OLD.made_at)
        OR OLD.made_at + (SELECT kept_days FROM archive_term WHERE class = 'backup') * interval '24 hours'
            > clock_timestamp()
    THEN
        RAISE EXCEPTION 'a backup is kept until its term is over, and then removed, once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_floor';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_backup FROM PUBLIC;

CREATE TRIGGER archive_backup_guarded BEFORE UPDATE OR DELETE ON archive_backup
    FOR EACH ROW EXECUTE FUNCTION archive_guard_backup();
