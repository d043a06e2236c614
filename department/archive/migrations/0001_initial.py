"""The archive's first schema: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0001_archive.sql")


class Migration(migrations.Migration):
    """Terms, holds, plans, and what a purge does."""

    initial = True
    dependencies = [
        ("ledger", "0002_catalog"),
        ("custody", "0002_purged"),
        ("search", "0004_forget"),
        ("people", "0002_rights"),
    ]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
