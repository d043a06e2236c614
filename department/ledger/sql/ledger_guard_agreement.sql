-- Confirmed once, and nothing else of it ever changes.
CREATE OR REPLACE FUNCTION ledger_guard_agreement() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    confirming text[] := '{confirmed_by,confirmed_at}';
BEGIN
    IF OLD.confirmed_by IS NOT NULL OR NEW.confirmed_by IS NULL
        OR to_jsonb(NEW) - confirming <> to_jsonb(OLD) - confirming
    THEN
        RAISE EXCEPTION 'an agreement is confirmed once, and not changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_agreement FROM PUBLIC;

CREATE TRIGGER ledger_guard_agreement BEFORE UPDATE ON ledger_agreement
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_agreement();
