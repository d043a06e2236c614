-- The last check, whoever enters an intent on behalf of an agency, by whatever way. Also of a department that asks for
-- its own people: under an agreement about queries, and for a query that it sent; and of a webhook, under one about
-- releases.
CREATE OR REPLACE FUNCTION ledger_guard_behalf() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    why text;
BEGIN
    SELECT public.ledger_agency_refusal(NEW.value::json #>> '{}', purpose.value::json #>> '{}', CASE WHEN EXISTS (
        -- A person's username has no @: see `alerts_release`.
        SELECT FROM public.ledger_body AS who
        WHERE who.entry = NEW.entry AND who.field = 'person' AND who.value::json #>> '{}' LIKE 'webhook-%@%'
    ) THEN 'release' WHEN EXISTS (
        SELECT FROM public.ledger_body AS asked JOIN public.federation_exchange AS exchange
        ON exchange.id::text = asked.value::json ->> 'exchange'
        WHERE asked.entry = NEW.entry AND asked.field = 'query' AND exchange.side = 'answered'
        AND exchange.agency = NEW.value::json #>> '{}' AND exchange.decision IS NULL
    ) THEN 'query' ELSE 'search' END, line.at)
    INTO why FROM public.ledger_entry AS line
    JOIN public.ledger_body AS purpose ON purpose.entry = line.entry AND purpose.field = 'purpose'
    WHERE line.entry = NEW.entry AND line.event IN ('intent', 'log_intent');
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'no record is looked at on behalf of that agency: %', why
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_behalf FROM PUBLIC;

CREATE TRIGGER ledger_guard_behalf AFTER INSERT ON ledger_body FOR EACH ROW
    WHEN (NEW.field = 'on_behalf_of' AND NEW.value <> 'null') EXECUTE FUNCTION ledger_guard_behalf();
