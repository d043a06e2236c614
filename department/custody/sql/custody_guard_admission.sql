-- after: people_note
-- An administrator asks that what a key signed after its end be admitted, and another person confirms it, once. Either of
-- their roles ends it. A key that was recorded as stolen admits nothing any more.
CREATE OR REPLACE FUNCTION custody_guard_admission() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deciding text[] := '{confirmed_by,confirmed_at,ended_by,ended_at,stolen}';
    ends boolean := NEW.ended_by IS NOT NULL;
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.sharing_require(NEW.asked_by, '{administrator}');
        NEW.asked_at := clock_timestamp();
        NEW.confirmed_by := NULL;
        NEW.confirmed_at := NULL;
        NEW.ended_by := NULL;
        NEW.ended_at := NULL;
        NEW.stolen := false;
    ELSIF OLD.ended_at IS NOT NULL OR to_jsonb(NEW) - deciding <> to_jsonb(OLD) - deciding
        OR ends AND NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by
        OR NOT ends AND (OLD.confirmed_by IS NOT NULL OR NEW.confirmed_by IS NULL)
    THEN
        RAISE EXCEPTION 'an admission is confirmed once and ended once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'custody_admission_final';
    ELSE
        PERFORM public.sharing_require(coalesce(NEW.ended_by, NEW.confirmed_by), '{administrator,supervisor}');
        NEW.confirmed_at := CASE WHEN ends THEN OLD.confirmed_at ELSE clock_timestamp() END;
        NEW.ended_at := CASE WHEN ends THEN clock_timestamp() END;
    END IF;
    IF NOT ends AND EXISTS (
        SELECT FROM public.custody_admission AS other
        WHERE other.post = NEW.post AND other.key = NEW.key AND other.stolen
    ) THEN
        RAISE EXCEPTION 'this key was recorded as stolen: nothing that it signed after its end is admitted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'custody_admission_stolen';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION custody_guard_admission FROM PUBLIC;

CREATE TRIGGER custody_guard_admission BEFORE INSERT OR UPDATE ON custody_admission
    FOR EACH ROW EXECUTE FUNCTION custody_guard_admission();
CREATE TRIGGER custody_asked AFTER INSERT ON custody_admission
    FOR EACH ROW EXECUTE FUNCTION people_note('admission_asked');
CREATE TRIGGER custody_admitted AFTER UPDATE ON custody_admission FOR EACH ROW
    WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION people_note('records_admitted');
CREATE TRIGGER custody_admission_ended AFTER UPDATE ON custody_admission FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION people_note('admission_ended');
