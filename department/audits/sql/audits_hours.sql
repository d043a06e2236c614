-- after: ledger_searches, ledger_whole_log
-- Searches of a time, counted by the hour of the day in a time zone.
CREATE OR REPLACE FUNCTION audits_hours(since timestamptz, until timestamptz, zone text)
RETURNS TABLE (hour integer, searches bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT extract(hour FROM line.at AT TIME ZONE zone)::integer, count(*)
FROM public.ledger_searches(since, until) AS line WHERE public.ledger_whole_log() GROUP BY 1
$$;

REVOKE ALL ON FUNCTION audits_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_hours TO platepost_web;
