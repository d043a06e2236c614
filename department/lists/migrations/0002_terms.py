"""How long entries that ended, and what a look-back found, are kept: as the archive's terms say."""

from django.db import migrations


class Migration(migrations.Migration):
    """Enter both tables among what goes by plans of purges."""

    dependencies = [("lists", "0001_initial"), ("archive", "0002_kinds")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE lists_lead ADD COLUMN case_number text NOT NULL DEFAULT '';"
            "INSERT INTO archive_kind VALUES ('list_entry', 'lists_entry', 'over_at', 'case_number'),"
            " ('lookback', 'lists_lead', 'found_at', 'case_number')"
        )
    ]
