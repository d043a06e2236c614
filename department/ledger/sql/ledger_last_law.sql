-- The law that the last change of it in the ledger names; null where there was none.
CREATE OR REPLACE FUNCTION ledger_last_law() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT body.value::jsonb FROM public.ledger_entry AS line
JOIN public.ledger_body AS body ON body.entry = line.entry AND body.field = 'after'
WHERE line.event = 'law_changed' ORDER BY line.number DESC LIMIT 1
$$;

REVOKE ALL ON FUNCTION ledger_last_law FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_last_law TO platepost_web;
