-- after: custody_line, ledger_open
-- Number and digests of a chain's proven records, and nothing of what they say: by these a record's place in the chain
-- is proven. As judged last.
CREATE OR REPLACE FUNCTION custody_chained(asked text, of_post text, first bigint, last bigint)
RETURNS TABLE (sequence bigint, digest text, previous text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
SELECT r.sequence, encode(r.digest, 'hex'), encode(r.previous, 'hex') FROM public.custody_record AS r
WHERE public.ledger_open() AND r.chain = asked AND r.post = of_post AND public.custody_line(r.chain, r.sequence)
BETWEEN public.custody_line(asked, first) AND public.custody_line(asked, last)
AND (r.covert_group IS NULL OR r.covert_group = ANY (public.ledger_groups()))
AND coalesce((
    SELECT j.verdict FROM public.custody_rejudged AS j
    WHERE j.record_id = r.id AND j.class = r.class AND j.retained_from = r.retained_from ORDER BY j.id DESC LIMIT 1
), r.verdict) IN ('genuine', 'unknown')
ORDER BY r.sequence
$$;

REVOKE ALL ON FUNCTION custody_chained FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_chained TO platepost_web;
