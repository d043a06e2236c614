"""What the SQL files say, behind the tables of all apps."""

from django.db import migrations

from platepost.department.database.sql_files import ApplySql

TABLE = """
-- Which SQL files were applied. What they make is compared with the folder's catalog.json, out of the database's reach.
CREATE TABLE database_sql (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    fingerprint text NOT NULL
);
"""


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("alerts", "0001_initial"),
        ("archive", "0001_initial"),
        ("audits", "0001_initial"),
        ("custody", "0001_initial"),
        ("federation", "0001_initial"),
        ("ledger", "0001_initial"),
        ("lists", "0001_initial"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("people", "0001_initial"),
        ("policy", "0001_initial"),
        ("search", "0001_initial"),
        ("sessions", "0001_initial"),
        ("sharing", "0001_initial"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]
    operations = [
        migrations.RunSQL(TABLE),
        ApplySql("0e27f799e2b9ea867b66dc10cf636e6ba94fca2f5845a4f71ad089d1ed82fc62"),
    ]
