-- after: ledger_searches, ledger_whole_log
-- Searches of a time, counted by person.
CREATE OR REPLACE FUNCTION audits_people(since timestamptz, until timestamptz)
RETURNS TABLE (person text, searches bigint, exigent bigint, refused bigint, cases bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(person.value::json #>> '{}', 'erased'), count(*), count(*) FILTER (WHERE exigent.value = 'true'),
    count(*) FILTER (WHERE line.event = 'refused'), count(DISTINCT matter.value) FILTER (WHERE matter.value <> 'null')
FROM public.ledger_searches(since, until) AS line
LEFT JOIN public.ledger_body AS person ON person.entry = line.entry AND person.field = 'person'
LEFT JOIN public.ledger_body AS exigent ON exigent.entry = line.entry AND exigent.field = 'exigent'
LEFT JOIN public.ledger_body AS matter ON matter.entry = line.entry AND matter.field = 'case'
WHERE public.ledger_whole_log() GROUP BY 1 ORDER BY 2 DESC, 1
$$;

REVOKE ALL ON FUNCTION audits_people FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_people TO platepost_web;
