-- Exigent searches that nobody has reviewed, the oldest first: neither plate nor picture.
CREATE OR REPLACE FUNCTION ledger_open_reviews() RETURNS TABLE (
    entry uuid, at timestamptz, person text, purpose text, reason text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT intent.entry, intent.at, fields ->> 'person', fields ->> 'purpose', fields ->> 'reason'
FROM public.ledger_body AS exigent
JOIN public.ledger_entry AS intent ON intent.entry = exigent.entry AND intent.event = 'intent'
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(body.field, body.value::jsonb) AS fields
    FROM public.ledger_body AS body WHERE body.entry = intent.entry AND body.field IN ('person', 'purpose', 'reason')
) AS bodies
WHERE exigent.field = 'exigent' AND exigent.value = 'true' AND NOT EXISTS (
    SELECT FROM public.ledger_entry AS review
    WHERE review.refers_to = intent.entry AND review.event = 'exigent_reviewed'
)
ORDER BY intent.number
$$;

REVOKE ALL ON FUNCTION ledger_open_reviews FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open_reviews TO platepost_web, platepost_auditor;
