-- after: ledger_searches, ledger_whole_log
-- Searches of a time, counted by month and purpose, as the public report has them.
CREATE OR REPLACE FUNCTION sharing_purposes(since timestamptz, until timestamptz, zone text)
RETURNS TABLE (month date, purpose text, searches bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT date_trunc('month', line.at AT TIME ZONE zone)::date, coalesce(purpose.value::json #>> '{}', 'erased'), count(*)
FROM public.ledger_searches(since, until) AS line
LEFT JOIN public.ledger_body AS purpose ON purpose.entry = line.entry AND purpose.field = 'purpose'
WHERE public.ledger_whole_log() AND line.event = 'intent' GROUP BY 1, 2
$$;

REVOKE ALL ON FUNCTION sharing_purposes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_purposes TO platepost_web;
