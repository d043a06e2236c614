"""The policy's tables: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables; no model has them."""

    initial = True

    dependencies = []

    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
