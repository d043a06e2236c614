-- No law binds the department, whoever changes it, without an entry in the ledger of the same transaction that says so.
CREATE OR REPLACE FUNCTION ledger_guard_law() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.ledger_entry AS line
        JOIN public.ledger_body AS after ON after.entry = line.entry AND after.field = 'after'
        WHERE line.number > (SELECT max(last.number) - 1000 FROM public.ledger_entry AS last)
        AND line.event = 'law_changed' AND line.transaction = pg_current_xact_id()
        AND after.value::jsonb = (SELECT to_jsonb(bound) FROM public.ledger_law AS bound)
    ) THEN
        RAISE EXCEPTION 'the law is changed with an entry in the ledger, by two persons'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_law_entered';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_guard_law FROM PUBLIC;

CREATE CONSTRAINT TRIGGER ledger_guard_law AFTER INSERT OR UPDATE OR DELETE ON ledger_law
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_guard_law();
