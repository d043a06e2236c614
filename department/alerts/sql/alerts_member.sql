-- An alert of a covert group is for its members alone, whatever an entry of the ledger names as groups; it is handed
-- over to a member.
CREATE OR REPLACE FUNCTION alerts_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    only_group text := (SELECT covert_group FROM alerts_alert AS alert WHERE alert.record_id = NEW.record_id);
    members text[] := ARRAY(
        SELECT person.login FROM people_covert AS joined JOIN people_person AS person ON person.id = joined.person_id
        WHERE joined."group" = only_group AND joined.left_at IS NULL
    );
BEGIN
    IF only_group IS NOT NULL AND NEW.person <> ALL (members) THEN
        PERFORM alerts_refuse('alerts_unknown', 'There is no such alert.');
    ELSIF only_group IS NOT NULL AND NEW.to_person <> ALL (members) THEN
        PERFORM alerts_refuse('alerts_offer', 'Choose someone else who may act on alerts now.');
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION alerts_member FROM PUBLIC;

-- Before `alerts_do_step`, by the order of their names.
CREATE TRIGGER alerts_a_member BEFORE INSERT ON alerts_step FOR EACH ROW WHEN (NOT NEW.by_program)
    EXECUTE FUNCTION alerts_member();
