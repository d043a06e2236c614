-- after: ledger_today
-- The hearing was held before the policy is published. Days are the department's: a table's constraint can't know its time
-- zone.
CREATE OR REPLACE FUNCTION sharing_guard_hearing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.hearing > public.ledger_today() THEN
        RAISE EXCEPTION 'the hearing is to come' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_policy_heard';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_guard_hearing FROM PUBLIC;

CREATE TRIGGER sharing_guard_hearing BEFORE INSERT ON sharing_policy
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_hearing();
