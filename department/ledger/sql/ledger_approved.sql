-- Whether somebody else approved within a day that this person searches for this. What narrows the search is approved
-- with it: of a list, part of it is narrower, but each further scene may bring other plates. A picture is approved if
-- it is of a read that such a search has shown: its query names the entry, which must be the same person's, for the
-- same case, and approved still.
CREATE OR REPLACE FUNCTION ledger_approved(who text, why text, of_case text, asked jsonb) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT asked ? 'picture' AND EXISTS (
    SELECT FROM public.ledger_entry AS intent CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(body.field, body.value::jsonb) AS fields
        FROM public.ledger_body AS body WHERE body.entry = intent.entry
    ) AS bodies
    JOIN public.ledger_entry AS shown ON shown.event = 'shown'
    JOIN public.ledger_body AS what ON what.entry = shown.entry
    WHERE intent.entry = (asked ->> 'found_by')::uuid AND intent.event = 'intent' AND shown.refers_to = intent.entry
    AND fields ->> 'person' = who AND fields ->> 'purpose' = why AND fields ->> 'case' IS NOT DISTINCT FROM of_case
    AND public.ledger_approved(who, why, of_case, fields -> 'query')
    AND CASE what.field
        WHEN 'records' THEN what.value::jsonb @> coalesce(asked -> 'records', asked -> 'record')
        WHEN 'covert' THEN EXISTS (
            SELECT FROM jsonb_each(what.value::jsonb) AS part WHERE part.value -> 'records' @> coalesce(asked -> 'records', asked -> 'record')
        )
        ELSE false
    END
) OR EXISTS (
    SELECT FROM public.ledger_entry AS decided CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(
            CASE WHEN body.entry = decided.entry THEN 'by_' || body.field ELSE body.field END, body.value::jsonb
        ) AS fields
        FROM public.ledger_body AS body WHERE body.entry IN (decided.entry, decided.refers_to)
    ) AS bodies CROSS JOIN LATERAL (SELECT (fields -> 'query') - 'exchange' AS query) AS approved
    WHERE decided.event = 'search_approved' AND decided.at > clock_timestamp() - interval '1 day'
    AND fields -> 'by_approved' = 'true' AND fields ->> 'by_person' <> who
    AND fields ->> 'person' = who AND fields ->> 'purpose' = why AND (
        fields ->> 'case' IS NOT DISTINCT FROM of_case
        -- Each query of a partner commits to its case by a salt of its own.
        OR asked ? 'exchange' AND fields -> 'query' ? 'exchange' AND fields ->> 'case' IS NOT NULL AND of_case IS NOT NULL
    )
    AND (NOT EXISTS (
        SELECT FROM jsonb_each(approved.query) AS part WHERE CASE
            WHEN jsonb_typeof(part.value) = 'array' AND part.key <> 'scenes'
            THEN (asked -> part.key <> '[]' AND part.value @> (asked -> part.key)) IS NOT TRUE
            ELSE asked -> part.key IS DISTINCT FROM part.value
        END
    ) AND NOT EXISTS (
        SELECT FROM unnest('{look_alikes,one_wrong,least,departments,other_plate}'::text[]) AS wider
        WHERE asked ? wider AND NOT approved.query ? wider
    ))
)
$$;

REVOKE ALL ON FUNCTION ledger_approved FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_approved TO platepost_web, platepost_federation;
