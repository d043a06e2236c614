-- An agency has the law's state and rule. What a second person confirmed is its kind and its ORI: a change of these, or
-- that agreements with it count again, waits for a second person again. That they stop counting does not.
CREATE OR REPLACE FUNCTION ledger_guard_agency() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    confirming text[] := '{confirmed_by,confirmed_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT bound.state, bound.in_state_only INTO NEW.state, NEW.in_state_only FROM public.ledger_law AS bound;
        NEW.confirmed_by := NULL;
        NEW.confirmed_at := NULL;
    ELSIF (NEW.kind, NEW.ori) IS DISTINCT FROM (OLD.kind, OLD.ori) OR NEW.allowed AND NOT OLD.allowed THEN
        NEW.confirmed_by := NULL;
        NEW.confirmed_at := NULL;
    ELSIF NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by AND (
        OLD.confirmed_by IS NOT NULL OR to_jsonb(NEW) - confirming <> to_jsonb(OLD) - confirming
    ) THEN
        RAISE EXCEPTION 'what an agency is, is confirmed once, by a second person'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    ELSIF NEW.confirmed_by IS NOT NULL AND OLD.confirmed_by IS NULL THEN
        PERFORM public.sharing_require(NEW.confirmed_by, '{records_manager,supervisor}');
        NEW.confirmed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_agency FROM PUBLIC;

CREATE TRIGGER ledger_guard_agency BEFORE INSERT OR UPDATE ON ledger_agency
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_agency();
