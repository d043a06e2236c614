-- Made once, ended once.
CREATE OR REPLACE FUNCTION ledger_guard_sharing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changing text[] := '{kind,law,ended_by,ended_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT known.kind, known.law INTO NEW.kind, NEW.law
        FROM public.ledger_agency AS known WHERE known.name = NEW.agency;
        NEW.ended_at := NULL;
        NEW.ended_by := NULL;
    ELSIF OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at
        OR to_jsonb(NEW) - changing <> to_jsonb(OLD) - changing
    THEN
        RAISE EXCEPTION 'an agreement is ended once, and not changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_sharing FROM PUBLIC;

CREATE TRIGGER ledger_guard_sharing BEFORE INSERT OR UPDATE ON ledger_sharing
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_sharing();
