-- A body is deleted when an entry says that its class has ended, and not before.
CREATE OR REPLACE FUNCTION ledger_refuse_early() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.ledger_entry AS body_of
        JOIN public.ledger_entry AS erased ON erased.event = 'erased'
        JOIN public.ledger_body AS class ON class.entry = erased.entry AND class.field = 'class'
        JOIN public.ledger_body AS until ON until.entry = erased.entry AND until.field = 'until'
        WHERE body_of.entry = OLD.entry AND body_of.class <> 'permanent'
        AND class.value::jsonb #>> '{}' = body_of.class AND (until.value::jsonb #>> '{}')::timestamptz > body_of.at
    ) THEN
        RAISE EXCEPTION 'the class of this body has not ended' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END
$$;

REVOKE ALL ON FUNCTION ledger_refuse_early FROM PUBLIC;

CREATE TRIGGER ledger_body_ends_with_its_class BEFORE DELETE ON ledger_body
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_early();
ALTER TABLE ledger_body ENABLE ALWAYS TRIGGER ledger_body_ends_with_its_class;
