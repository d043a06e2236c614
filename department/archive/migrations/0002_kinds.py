"""What else has a term: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0002_kinds.sql")


class Migration(migrations.Migration):
    """Bodies of the ledger, saved work, backups, and whatever else a room enters."""

    dependencies = [("archive", "0001_initial"), ("search", "0003_notes"), ("ledger", "0003_readers")]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
