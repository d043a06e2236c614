-- after: custody_line, ledger_open
-- Where the records of a chain lie. The pages look a chain up by this: their row security does not let a function be
-- used in an index.
CREATE OR REPLACE FUNCTION custody_chained(asked text, first bigint, last bigint)
RETURNS TABLE (id bigint, class text, retained_from timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
SELECT r.id, r.class, r.retained_from FROM public.custody_record r
WHERE public.ledger_open() AND r.chain = asked AND public.custody_line(r.chain, r.sequence)
BETWEEN public.custody_line(asked, first) AND public.custody_line(asked, last)
$$;

REVOKE ALL ON FUNCTION custody_chained FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_chained TO platepost_web;
