-- after: ledger_searches, ledger_whole_log
-- Searches of a time, counted by purpose, agency, and the agency that they were for; null where the bodies were erased.
CREATE OR REPLACE FUNCTION audits_searches(since timestamptz, until timestamptz)
RETURNS TABLE (purpose text, agency text, on_behalf_of text, searches bigint, people bigint, exigent bigint, refused bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT fields ->> 'purpose', fields ->> 'agency', fields ->> 'on_behalf_of', count(*),
    count(DISTINCT fields ->> 'person'),
    count(*) FILTER (WHERE fields ->> 'exigent' = 'true'), count(*) FILTER (WHERE event = 'refused')
FROM (
    SELECT line.event, (
        SELECT json_object_agg(body.field, body.value::json) FROM public.ledger_body AS body
        WHERE body.entry = line.entry AND body.field IN ('purpose', 'agency', 'on_behalf_of', 'person', 'exigent')
    ) FROM public.ledger_searches(since, until) AS line
) AS matched (event, fields)
WHERE public.ledger_whole_log() GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
$$;

REVOKE ALL ON FUNCTION audits_searches FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_searches TO platepost_web;
