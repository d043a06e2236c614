"""Custody's first schema: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0001_records.sql")


class Migration(migrations.Migration):
    """Tables, partitions, functions, rights and row security."""

    initial = True
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
