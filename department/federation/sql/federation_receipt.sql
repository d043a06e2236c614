-- The signed answer to a query, for who has the query; it has no plate that the query has not.
CREATE OR REPLACE FUNCTION federation_receipt(asked uuid, query_digest text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT body.value::json #>> '{}' FROM public.federation_exchange AS exchange
JOIN public.ledger_body AS body ON body.entry = exchange.entry AND body.field = 'exchange'
WHERE exchange.id = asked AND exchange.digest = query_digest AND exchange.decision IS NOT NULL
$$;

REVOKE ALL ON FUNCTION federation_receipt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION federation_receipt TO platepost_federation;
