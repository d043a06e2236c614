-- Searches of the last day that nobody has decided about: neither plate nor picture.
CREATE OR REPLACE FUNCTION ledger_open_approvals() RETURNS TABLE (
    entry uuid, at timestamptz, person text, purpose text, case_number text, reason text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT asked.entry, asked.at, fields ->> 'person', fields ->> 'purpose', coalesce(fields ->> 'case', ''),
    coalesce(fields ->> 'reason', '')
FROM public.ledger_entry AS asked CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(body.field, body.value::jsonb) AS fields FROM public.ledger_body AS body
    WHERE body.entry = asked.entry AND body.field IN ('person', 'purpose', 'case', 'reason', 'approval')
) AS bodies
WHERE asked.event = 'refused' AND asked.at > clock_timestamp() - interval '1 day' AND fields ? 'approval'
AND NOT EXISTS (
    SELECT FROM public.ledger_entry AS decided
    WHERE decided.refers_to = asked.entry AND decided.event = 'search_approved'
)
ORDER BY asked.number
$$;

REVOKE ALL ON FUNCTION ledger_open_approvals FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open_approvals TO platepost_web;
