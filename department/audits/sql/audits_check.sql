-- Each audit is done by the person whom its plan names. What was entered once stays.
CREATE OR REPLACE FUNCTION audits_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_plan public.audits_plan;
BEGIN
    IF TG_OP = 'UPDATE' AND coalesce(
        to_jsonb(OLD) ->> 'ended_at', to_jsonb(OLD) ->> 'finished_at', to_jsonb(OLD) ->> 'judged_at',
        to_jsonb(OLD) ->> 'closed_at'
    ) IS NOT NULL THEN
        RAISE EXCEPTION 'what was said stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'audits_final';
    END IF;
    CASE TG_TABLE_NAME
    WHEN 'audits_plan' THEN
        PERFORM public.audits_require(coalesce(NEW.ended_by, NEW.made_by), '{auditor}');
        IF TG_OP = 'INSERT' THEN
            PERFORM public.audits_require(
                NEW.auditor, CASE NEW.kind WHEN 'audit' THEN '{auditor}'::text[] ELSE '{supervisor}' END
            );
        END IF;
    WHEN 'audits_audit' THEN
        SELECT * INTO of_plan FROM public.audits_plan WHERE id = NEW.plan_id;
        IF coalesce(NEW.finished_by, NEW.drawn_by) <> of_plan.auditor
            OR TG_OP = 'INSERT' AND of_plan.ended_at IS NOT NULL
        THEN
            RAISE EXCEPTION 'another audits by this plan'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'audits_another';
        END IF;
        PERFORM public.audits_require(of_plan.auditor, '{auditor,supervisor}');
        IF NEW.finished_at IS NOT NULL AND EXISTS (
            SELECT FROM public.audits_sample WHERE audit_id = NEW.id AND outcome IS NULL
        ) THEN
            RAISE EXCEPTION 'a sample has no outcome'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'audits_unfinished';
        END IF;
    WHEN 'audits_sample' THEN
        SELECT plan.* INTO of_plan FROM public.audits_audit AS audit JOIN public.audits_plan AS plan
            ON plan.id = audit.plan_id WHERE audit.id = NEW.audit_id;
        IF NEW.judged_by <> of_plan.auditor THEN
            RAISE EXCEPTION 'another audits by this plan'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'audits_another';
        END IF;
        PERFORM public.audits_require(of_plan.auditor, '{auditor,supervisor}');
    WHEN 'audits_finding' THEN
        IF NEW.closed_by IS NOT NULL THEN
            PERFORM public.audits_require(NEW.closed_by, '{auditor}');
        END IF;
    WHEN 'audits_answer' THEN
        IF NOT EXISTS (
            SELECT FROM public.audits_finding WHERE id = NEW.finding_id AND subject = NEW.person AND closed_at IS NULL
        ) THEN
            PERFORM public.audits_require(NEW.person, '{supervisor}');
        END IF;
    END CASE;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION audits_check FROM PUBLIC;

CREATE TRIGGER audits_check BEFORE INSERT OR UPDATE ON audits_plan FOR EACH ROW EXECUTE FUNCTION audits_check();
CREATE TRIGGER audits_check BEFORE INSERT OR UPDATE ON audits_audit FOR EACH ROW EXECUTE FUNCTION audits_check();
CREATE TRIGGER audits_check BEFORE UPDATE ON audits_sample FOR EACH ROW EXECUTE FUNCTION audits_check();
CREATE TRIGGER audits_check BEFORE UPDATE ON audits_finding FOR EACH ROW EXECUTE FUNCTION audits_check();
CREATE TRIGGER audits_check BEFORE INSERT ON audits_answer FOR EACH ROW EXECUTE FUNCTION audits_check();
