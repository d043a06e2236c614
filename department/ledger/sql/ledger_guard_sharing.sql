-- Made once, confirmed once by a second person, ended once.
CREATE OR REPLACE FUNCTION ledger_guard_sharing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changing text[] := '{kind,in_state_only,confirmed_by,confirmed_at,ended_by,ended_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT known.kind, known.in_state_only INTO NEW.kind, NEW.in_state_only
        FROM public.ledger_agency AS known WHERE known.name = NEW.agency;
        NEW.confirmed_at := NULL;
        NEW.confirmed_by := NULL;
        NEW.ended_at := NULL;
        NEW.ended_by := NULL;
    ELSIF OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at
        OR OLD.confirmed_at IS NOT NULL AND NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at
        OR to_jsonb(NEW) - changing <> to_jsonb(OLD) - changing
    THEN
        RAISE EXCEPTION 'an agreement is confirmed once and ended once, and not changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    ELSIF NEW.confirmed_by IS NOT NULL AND OLD.confirmed_by IS NULL THEN
        NEW.confirmed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_sharing FROM PUBLIC;

CREATE TRIGGER ledger_guard_sharing BEFORE INSERT OR UPDATE ON ledger_sharing
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_sharing();
