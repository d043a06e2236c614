"""What a purge leaves of custody: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_name("0002_purged.sql")


class Migration(migrations.Migration):
    """The class `held`, days as partitions, and what was purged."""

    dependencies = [("custody", "0001_initial")]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
