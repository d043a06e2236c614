"""Counts without covert rows, of kinds too; and holds that are found by an index."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0005_covert_kinds.sql")


class Migration(migrations.Migration):
    """The fifth."""

    dependencies = [("archive", "0004_no_case")]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
