"""What a supervisor approved may be narrowed, and never widened: one JSON that holds another may ask for more."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FORMER = """said ->> 'case' IS NOT DISTINCT FROM of_case
    AND (asked ? 'picture' OR asked @> ((said -> 'query') - 'exchange'))
"""
_NARROWER = """(
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
"""
# Of a list, some of it is narrower; but each further scene may bring other plates.
NARROWED = redefined(
    import_module("platepost.department.ledger.migrations.0009_approvals").APPROVALS,
    "ledger_approved",
    {
        ") AS bodies\n": (
            ") AS bodies CROSS JOIN LATERAL (SELECT (said -> 'query') - 'exchange' AS query) AS approved\n"
        ),
        _FORMER: _NARROWER,
    },
)


class Migration(migrations.Migration):
    """The eleventh."""

    dependencies = [("ledger", "0010_in_one_step")]
    operations = [migrations.RunSQL(NARROWED)]
