-- A part is counted here, and refused while its term is not over.
CREATE OR REPLACE FUNCTION archive_guard_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked archive_plan;
    term archive_term;
    exempt bigint[];
    is_kind boolean := EXISTS (SELECT FROM archive_kind WHERE class = NEW.class);
BEGIN
    SELECT * INTO asked FROM archive_plan WHERE plan = NEW.plan;
    SELECT * INTO term FROM archive_term WHERE class = NEW.class;
    NEW.dropped_at := NULL;
    IF asked.approved_at IS NOT NULL THEN
        RAISE EXCEPTION 'a plan is approved or carried out, never changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_plan_final';
    ELSIF asked.law IS DISTINCT FROM (SELECT min(law) FROM archive_term)
        OR NEW.class <> 'held' AND (NEW.ends + term.kept_days * interval '24 hours' <= clock_timestamp()) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the term of these records is not over'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_floor';
    ELSIF NEW.class = 'doubtful' AND coalesce(asked.review, '') = '' THEN
        RAISE EXCEPTION 'no one has reviewed the doubtful records'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_review';
    ELSIF (is_kind OR NEW.class IN ('held', 'doubtful')) <> (NEW.begins = '-infinity') OR NOT is_kind
        AND to_regclass('public.custody_record' || archive_suffix(NEW.class, NEW.begins, NEW.ends)) IS NULL
    THEN
        RAISE EXCEPTION 'there is no such part' USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_no_part';
    END IF;
    IF is_kind THEN
        SELECT there, jsonb_build_object('records', there, 'held', held) INTO NEW.records, NEW.shown
        FROM archive_old(NEW.class, NEW.ends);
        RETURN NEW;
    END IF;
    exempt := archive_kept(NEW.class, NEW.begins, NEW.ends);
    SELECT count(*), jsonb_build_object(
        'records', count(*) FILTER (WHERE covert_group IS NULL),
        'held', count(*) FILTER (WHERE covert_group IS NULL AND id = ANY (exempt)),
        'first_day', min(kept_at AT TIME ZONE 'UTC')::date, 'last_day', max(kept_at AT TIME ZONE 'UTC')::date
    ) INTO NEW.records, NEW.shown
    FROM custody_record WHERE class = NEW.class AND retained_from >= NEW.begins AND retained_from < NEW.ends;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_part FROM PUBLIC;

CREATE TRIGGER archive_part_guarded BEFORE INSERT ON archive_part
    FOR EACH ROW EXECUTE FUNCTION archive_guard_part();
