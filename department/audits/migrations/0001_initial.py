"""The first schema of audits: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0001_audits.sql")


class Migration(migrations.Migration):
    """Plans, samples, findings, answers, and what the database holds of them by itself."""

    initial = True
    dependencies = [("ledger", "0004_accesses"), ("people", "0003_provider"), ("custody", "0001_initial")]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
