-- What was agreed or checked counts for a year at most. Days are the department's: a table's constraint can't know its
-- time zone.
CREATE OR REPLACE FUNCTION ledger_guard_until() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fields jsonb := to_jsonb(NEW);
    made_at timestamptz := coalesce(fields ->> 'agreed_at', fields ->> 'at')::timestamptz;
    days integer := NEW.until - (SELECT (made_at AT TIME ZONE timezone)::date FROM public.ledger_department);
BEGIN
    IF days NOT BETWEEN 0 AND 366 THEN
        RAISE EXCEPTION 'it counts for a year at most, from now on'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_until FROM PUBLIC;

CREATE TRIGGER ledger_guard_until BEFORE INSERT ON ledger_agreement
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_until('ledger_agreement_ends');
CREATE TRIGGER ledger_guard_until BEFORE INSERT ON ledger_verification
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_until('sharing_verified_until');
