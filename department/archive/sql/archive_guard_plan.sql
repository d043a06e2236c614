-- A records manager plans, and another approves what is not stale. A plan is never changed otherwise.
CREATE OR REPLACE FUNCTION archive_guard_plan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    free text[] := '{approved_by,approved_at,begun_at,done_at}';
    stale text;
BEGIN
    -- Whether their training is current, whoever lets them plan or approve asks.
    IF (TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND NEW.approved_by IS DISTINCT FROM OLD.approved_by) AND NOT EXISTS (
        SELECT FROM people_person AS person JOIN people_role AS held ON held.person_id = person.id
        WHERE person.login = lower(CASE TG_OP WHEN 'INSERT' THEN NEW.planned_by ELSE NEW.approved_by END)
        AND person.disabled_at IS NULL AND held.role = 'records_manager' AND held.ended_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a records manager plans, and another approves'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_manager';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.planned_at := clock_timestamp();
        NEW.holds := ARRAY(SELECT id FROM archive_hold WHERE lifted_at IS NULL ORDER BY id);
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' OR to_jsonb(OLD) - free <> to_jsonb(NEW) - free
        OR OLD.approved_at IS NOT NULL
            AND (OLD.approved_by, OLD.approved_at) IS DISTINCT FROM (NEW.approved_by, NEW.approved_at)
    THEN
        RAISE EXCEPTION 'a plan is approved or carried out, never changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_plan_final';
    ELSIF OLD.approved_at IS NULL AND NEW.approved_at IS NOT NULL THEN
        NEW.approved_at := clock_timestamp();
        stale := archive_stale(NEW.plan);
        IF stale IS NOT NULL THEN
            RAISE EXCEPTION 'the plan is stale: %', stale
                USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_stale';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_plan FROM PUBLIC;

CREATE TRIGGER archive_plan_guarded BEFORE INSERT OR UPDATE OR DELETE ON archive_plan
    FOR EACH ROW EXECUTE FUNCTION archive_guard_plan();
