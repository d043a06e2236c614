"""Counts of hits that were purged go once their month is published: nothing else needs them, and they name the hour."""

from django.db import migrations

COUNTED = "GRANT SELECT, DELETE ON alerts_forgotten TO platepost_keeper;"


class Migration(migrations.Migration):
    """The eighth."""

    dependencies = [("sharing", "0007_month_by_utc")]
    operations = [migrations.RunSQL(COUNTED)]
