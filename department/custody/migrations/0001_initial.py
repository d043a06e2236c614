"""Custody's first schema."""

from django.db import migrations


class Migration(migrations.Migration):
    """Nothing yet."""

    initial = True
    dependencies = [("ledger", "0001_initial")]
    operations = []
