"""The first schema of the lists: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0001_lists.sql")


class Migration(migrations.Migration):
    """Entries, imports, requests, leads, and who may do what with them."""

    initial = True
    dependencies = [
        ("people", "0004_covert"),
        ("alerts", "0001_initial"),
        ("ledger", "0004_accesses"),
        ("web", "0001_initial"),
    ]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
