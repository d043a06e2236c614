"""What vehicle a read shows."""

from django.db import migrations


class Migration(migrations.Migration):
    """Reads of before have none; `rebuild` makes all rows alike."""

    dependencies = [("custody", "0005_slim_indexes")]
    operations = [
        migrations.RunSQL("ALTER TABLE custody_read ADD COLUMN vehicle_kind text, ADD COLUMN vehicle_colors text"),
    ]
