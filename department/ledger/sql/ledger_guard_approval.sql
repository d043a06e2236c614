-- Where the law asks for it, a supervisor approves each search before it is made. A search that waits is an entry `refused`
-- with the field `approval`; the decision refers to it. No other table has it.
CREATE OR REPLACE FUNCTION ledger_guard_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fields jsonb;
BEGIN
    IF NOT (SELECT approves_searches FROM public.ledger_law) OR NOT EXISTS (
        SELECT FROM public.ledger_entry AS line WHERE line.entry = NEW.entry AND line.event = 'intent'
    ) THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(body.field, body.value::jsonb) INTO fields
    FROM public.ledger_body AS body WHERE body.entry = NEW.entry;
    IF fields -> 'exigent' IS DISTINCT FROM 'true' AND NOT public.ledger_approved(
        fields ->> 'person', fields ->> 'purpose', fields ->> 'case', fields -> 'query'
    ) THEN
        RAISE EXCEPTION 'a supervisor approves each search'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_approval';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_approval FROM PUBLIC;

CREATE TRIGGER ledger_guard_approval AFTER INSERT ON ledger_body FOR EACH ROW
    WHEN (NEW.field = 'query' AND NEW.value ~ '"(plate|scenes|posts|picture)":')
    EXECUTE FUNCTION ledger_guard_approval();
