-- after: ledger_whole_log
-- Searches of a time, counted by the hour of the day in a time zone.
CREATE OR REPLACE FUNCTION audits_hours(since timestamptz, until timestamptz, zone text)
RETURNS TABLE (hour integer, searches bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT extract(hour FROM line.at AT TIME ZONE zone)::integer, count(*) FROM public.ledger_entry AS line
WHERE public.ledger_whole_log() AND line.event IN ('intent', 'refused') AND line.at >= since AND line.at < until AND NOT EXISTS (
    SELECT FROM public.ledger_body AS asked
    WHERE asked.entry = line.entry AND asked.field = 'query' AND asked.value::jsonb ? 'console'
)
GROUP BY 1
$$;

REVOKE ALL ON FUNCTION audits_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_hours TO platepost_web;
