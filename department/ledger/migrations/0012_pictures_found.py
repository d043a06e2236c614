"""Where a supervisor approves searches, a picture is one of a read that such a search has shown, and no other."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

# A picture's query names the entry that showed its read. That was an approved search's, by the same person and for the
# same case, and is approved still.
_FOUND = """
SELECT asked ? 'picture' AND EXISTS (
    SELECT FROM public.ledger_entry AS found CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(body.field, body.value::jsonb) AS said
        FROM public.ledger_body AS body WHERE body.entry = found.entry
    ) AS bodies
    JOIN public.ledger_entry AS shown ON shown.event = 'shown'
    JOIN public.ledger_body AS what ON what.entry = shown.entry
    WHERE found.entry = (asked ->> 'found_by')::uuid AND found.event = 'intent' AND shown.refers_to = found.entry
    AND said ->> 'person' = who AND said ->> 'purpose' = why AND said ->> 'case' IS NOT DISTINCT FROM of_case
    AND public.ledger_approved(who, why, of_case, said -> 'query')
    AND CASE what.field
        WHEN 'records' THEN what.value::jsonb @> (asked -> 'record')
        WHEN 'covert' THEN EXISTS (
            SELECT FROM jsonb_each(what.value::jsonb) AS part WHERE part.value -> 'records' @> (asked -> 'record')
        )
        ELSE false
    END
) OR EXISTS (
    SELECT FROM public.ledger_entry AS decided"""
PICTURES = redefined(
    import_module("platepost.department.ledger.migrations.0011_narrowed").NARROWED,
    "ledger_approved",
    {
        "\nSELECT EXISTS (\n    SELECT FROM public.ledger_entry AS decided": _FOUND,
        "AND (asked ? 'picture' OR NOT EXISTS (": "AND (NOT EXISTS (",
    },
)


class Migration(migrations.Migration):
    """The twelfth."""

    dependencies = [("ledger", "0011_narrowed")]
    operations = [migrations.RunSQL(PICTURES)]
