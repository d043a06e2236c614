-- What a dispatcher may enter: the categories of the policy, and the end of their own entries. The trigger fires after
-- `lists_guarded`, by the order of their names.
CREATE OR REPLACE FUNCTION lists_hold_dispatcher() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    fields jsonb := to_jsonb(NEW);
    who text := CASE WHEN TG_TABLE_NAME = 'lists_recovery' THEN fields ->> 'person' WHEN TG_OP = 'INSERT'
        THEN fields ->> 'author' ELSE fields ->> 'ended_by' END;
    rules lists_policy;
BEGIN
    IF who IS NULL OR current_user NOT IN ('platepost_web', 'platepost_command') THEN
        RETURN NEW; -- other roles may not even look at people's
    END IF;
    IF EXISTS (
        SELECT FROM people_role AS held JOIN people_person AS person ON person.id = held.person_id
        WHERE person.login = who AND held.ended_at IS NULL AND held.role IN ('operator', 'supervisor')
    ) THEN
        RETURN NEW;
    END IF;
    SELECT * INTO rules FROM lists_policy;
    IF TG_TABLE_NAME = 'lists_entry' AND TG_OP = 'INSERT' AND fields ->> 'category' = ANY (rules.dispatchers)
        AND NOT (fields ->> 'safe')::boolean AND fields ->> 'distribution' IS NULL THEN
        NEW.second_person := NEW.second_person OR 'dispatcher' = ANY (rules.two_persons);
    ELSIF TG_TABLE_NAME <> 'lists_entry' OR TG_OP = 'INSERT' OR who <> fields ->> 'author' THEN
        RAISE EXCEPTION 'this is not for dispatchers' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'lists_dispatcher';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION lists_hold_dispatcher FROM PUBLIC;

CREATE TRIGGER lists_held BEFORE INSERT OR UPDATE ON lists_entry
    FOR EACH ROW EXECUTE FUNCTION lists_hold_dispatcher();
CREATE TRIGGER lists_held BEFORE INSERT ON lists_recovery FOR EACH ROW EXECUTE FUNCTION lists_hold_dispatcher();
