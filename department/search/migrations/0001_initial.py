"""The tables of search: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables, of which Django has no models."""

    initial = True
    dependencies = [("people", "0001_initial")]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
