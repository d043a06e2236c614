"""The first schema of sharing: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0001_sharing.sql")


class Migration(migrations.Migration):
    """The policy and its evidence, who makes agreements, requests and releases, breaches."""

    initial = True
    dependencies = [
        ("ledger", "0006_agreements"),
        ("people", "0007_terms"),
        ("archive", "0004_no_case"),
        ("audits", "0001_initial"),
        ("alerts", "0003_terms"),
        ("lists", "0003_leads_first"),
    ]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
