-- after: ledger_whole_log
-- How old the reads were that people were shown in a time, in days, and how many: no plate, no person, no covert read.
-- NULL: they are no longer kept, or are no reads. A hit that came to a console was not searched for.
CREATE OR REPLACE FUNCTION audits_ages(since timestamptz, until timestamptz)
RETURNS TABLE (days integer, records bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT floor(extract(epoch FROM shown.at - seen.captured_at) / 86400)::integer, count(*)
FROM public.ledger_entry AS shown
JOIN public.ledger_entry AS intent ON intent.entry = shown.refers_to AND intent.event = 'intent'
JOIN public.ledger_body AS body ON body.entry = shown.entry AND body.field = 'records'
CROSS JOIN LATERAL json_array_elements_text(body.value::json) AS record
LEFT JOIN public.custody_read AS seen ON seen.record_id = record::bigint AND seen.covert_group IS NULL
WHERE public.ledger_whole_log() AND shown.event IN ('shown', 'failed') AND shown.at >= since AND shown.at < until
AND NOT EXISTS (
    SELECT FROM public.ledger_body AS asked
    WHERE asked.entry = intent.entry AND asked.field = 'query' AND asked.value::jsonb ? 'console'
)
GROUP BY 1
$$;

REVOKE ALL ON FUNCTION audits_ages FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_ages TO platepost_web;
