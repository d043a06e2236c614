"""What a supervisor approved may be narrowed, and never widened: one JSON that holds another may ask for more."""

from django.db import migrations

NARROWED = """
-- Whether somebody else approved within a day that this person looks for this; what narrows it is approved with it, as
-- are the pictures of its reads. Of a list, some of it is narrower; but each further scene may bring other plates.
CREATE OR REPLACE FUNCTION ledger_approved(who text, why text, of_case text, asked jsonb) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.ledger_entry AS decided CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(
            CASE WHEN body.entry = decided.entry THEN 'by_' || body.field ELSE body.field END, body.value::jsonb
        ) AS said
        FROM public.ledger_body AS body WHERE body.entry IN (decided.entry, decided.refers_to)
    ) AS bodies CROSS JOIN LATERAL (SELECT (said -> 'query') - 'exchange' AS query) AS approved
    WHERE decided.event = 'search_approved' AND decided.at > clock_timestamp() - interval '1 day'
    AND said -> 'by_approved' = 'true' AND said ->> 'by_person' <> who
    AND said ->> 'person' = who AND said ->> 'purpose' = why AND (
        said ->> 'case' IS NOT DISTINCT FROM of_case
        -- Each query of a partner commits to its case by a salt of its own.
        OR asked ? 'exchange' AND said -> 'query' ? 'exchange' AND said ->> 'case' IS NOT NULL AND of_case IS NOT NULL
    )
    AND (asked ? 'picture' OR NOT EXISTS (
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
"""


class Migration(migrations.Migration):
    """The eleventh."""

    dependencies = [("ledger", "0010_in_one_step")]
    operations = [migrations.RunSQL(NARROWED)]
