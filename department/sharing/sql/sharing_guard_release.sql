-- A release is for a request that was granted, and is recalled once.
CREATE OR REPLACE FUNCTION sharing_guard_release() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    recalling text[] := '{recalled_by,recalled_at,recalled_because}';
    asked public.sharing_request;
    why text;
BEGIN
    PERFORM public.sharing_require(coalesce(NEW.recalled_by, NEW.person), '{records_manager}');
    IF TG_OP = 'UPDATE' THEN
        IF OLD.recalled_at IS NOT NULL OR to_jsonb(NEW) - recalling <> to_jsonb(OLD) - recalling THEN
            RAISE EXCEPTION 'a release is recalled once'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
        END IF;
        RETURN NEW;
    END IF;
    -- So that two releases do not pass each other by.
    SELECT * INTO asked FROM public.sharing_request WHERE id = NEW.request_id FOR UPDATE;
    IF coalesce(asked.decision, 'denied') = 'denied' THEN
        RAISE EXCEPTION 'not granted' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_not_granted';
    ELSIF asked.kind = 'public records' THEN
        RAISE EXCEPTION 'no records' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_to_the_public';
    ELSIF asked.kind <> 'agency' AND EXISTS (SELECT FROM public.sharing_release WHERE request_id = NEW.request_id) THEN
        RAISE EXCEPTION 'one package' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_one_package';
    ELSIF asked.kind = 'agency' THEN
        why := public.ledger_agency_refusal(asked.agency, asked.purpose, 'release', clock_timestamp());
        IF why IS NOT NULL THEN
            RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_guard_release FROM PUBLIC;

CREATE TRIGGER sharing_guard_release BEFORE INSERT OR UPDATE ON sharing_release
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_release();
