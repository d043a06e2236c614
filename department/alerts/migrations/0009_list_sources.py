"""An alert keeps who had its entry listed, for the rates by source: entries leave the list, and imports change."""

from django.db import migrations


class Migration(migrations.Migration):
    """The ninth."""

    dependencies = [("alerts", "0008_late_posts")]
    operations = [
        migrations.RunSQL("ALTER TABLE alerts_alert ADD COLUMN list_sources text[] NOT NULL DEFAULT '{}'"),
    ]
