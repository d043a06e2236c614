"""Hits that came to a console are no reads that somebody searched for: they counted as reads that are not kept."""

from pathlib import Path

from django.db import migrations

from platepost.department.database.functions import redefined

AGES = redefined(
    Path(__file__).with_name("0001_audits.sql").read_text("utf-8"),
    "audits_ages",
    {
        "shown.at >= since AND shown.at < until\n": """shown.at >= since AND shown.at < until
AND NOT EXISTS (
    SELECT FROM public.ledger_body AS asked
    WHERE asked.entry = intent.entry AND asked.field = 'query' AND asked.value::jsonb ? 'console'
)
"""
    },
)


class Migration(migrations.Migration):
    """The third."""

    dependencies = [("audits", "0002_household_doors")]
    operations = [migrations.RunSQL(AGES)]
