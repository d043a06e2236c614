"""The alerts' first schema: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0001_alerts.sql")


class Migration(migrations.Migration):
    """Alerts, their steps, acknowledgments, and decisions that are to be told."""

    initial = True
    dependencies = [
        ("archive", "0001_initial"),
        ("custody", "0002_purged"),
        ("ledger", "0004_accesses"),
        ("people", "0003_provider"),
    ]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
