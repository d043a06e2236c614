-- after: policy_refusal, policy_guard, policy_is_return, people_roles
-- An entry needs a purpose that the policy has for its author, a case number where that asks for one, and no word that
-- the policy forbids, whoever enters it. The department's own vehicle needs no case.
CREATE OR REPLACE FUNCTION lists_guard_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    why text := public.policy_refusal(NEW.purpose, NEW.case_number, concat_ws(E'\n\n\n\n',
        NEW.reason, NEW.vehicle, NEW.instructions), NEW.safe, public.people_roles(NEW.author), false, false);
BEGIN
    IF why IS NOT NULL THEN
        RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_purpose';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION lists_guard_words FROM PUBLIC;

CREATE TRIGGER lists_worded BEFORE INSERT ON lists_entry FOR EACH ROW EXECUTE FUNCTION lists_guard_words();
-- Of an import the database sees what it is called, how its columns are mapped, and, below, its rows' categories.
CREATE TRIGGER lists_worded BEFORE INSERT ON lists_import FOR EACH ROW
    EXECUTE FUNCTION policy_guard('source', 'mapping');

-- Of the state's system no text is kept: see `alerts_plain.sql`.
ALTER TABLE lists_entry DROP CONSTRAINT IF EXISTS lists_return, ADD CONSTRAINT lists_return CHECK (
    NOT policy_is_return(reason) AND NOT policy_is_return(vehicle) AND NOT policy_is_return(instructions)
);
ALTER TABLE lists_recovery DROP CONSTRAINT IF EXISTS lists_return,
    ADD CONSTRAINT lists_return CHECK (NOT policy_is_return(reason));
