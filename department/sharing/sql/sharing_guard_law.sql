-- A records manager proposes a law that does not bind the department yet, and another person confirms it, once.
CREATE OR REPLACE FUNCTION sharing_guard_law() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    confirming text[] := '{confirmed_by,confirmed_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.sharing_require(NEW.person, '{records_manager}');
        NEW.confirmed_by := NULL;
        NEW.confirmed_at := NULL;
    ELSIF OLD.confirmed_by IS NOT NULL OR NEW.confirmed_by IS NULL
        OR to_jsonb(NEW) - confirming <> to_jsonb(OLD) - confirming
    THEN
        RAISE EXCEPTION 'a law is proposed once and confirmed once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_law_final';
    ELSE
        PERFORM public.sharing_require(NEW.confirmed_by, '{records_manager,supervisor}');
    END IF;
    IF NEW.law = (SELECT to_jsonb(bound) FROM public.ledger_law AS bound) THEN
        RAISE EXCEPTION 'this law binds the department already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_law_same';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_guard_law FROM PUBLIC;

CREATE TRIGGER sharing_guard_law BEFORE INSERT OR UPDATE ON sharing_law
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_law();
