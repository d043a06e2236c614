-- after: ledger_covered_entries
-- What else the ledger has of the cases of the entries that the session's entry covers: by event, how many entries, of
-- how many people.
CREATE OR REPLACE FUNCTION audits_with_cases()
RETURNS TABLE (case_number text, event text, entries bigint, people bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT matter.value::json #>> '{}', line.event, count(*), count(DISTINCT person.value)
FROM public.ledger_body AS matter
JOIN public.ledger_entry AS line ON line.entry = matter.entry
JOIN public.ledger_body AS person ON person.entry = matter.entry AND person.field = 'person'
WHERE matter.field = 'case' AND matter.value IN (
    SELECT own.value FROM public.ledger_body AS own
    WHERE own.entry = ANY ((SELECT public.ledger_covered_entries())::uuid[]) AND own.field = 'case' AND own.value NOT IN ('null', '""')
)
GROUP BY 1, 2 ORDER BY 1, 2
$$;

REVOKE ALL ON FUNCTION audits_with_cases FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_with_cases TO platepost_web;
