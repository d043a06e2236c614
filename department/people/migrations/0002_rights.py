"""Triggers and rights of people's tables: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Who may change what, each change in the ledger, and what each role may."""

    dependencies = [
        ("people", "0001_initial"),
        ("ledger", "0001_initial"),
        ("sessions", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]
    operations = [migrations.RunSQL(_SQL.read_text("utf-8"))]
