"""How long what came of exercises is kept: as the archive's term of training says."""

from django.db import migrations


class Migration(migrations.Migration):
    """The seventh."""

    dependencies = [("people", "0006_exercises"), ("archive", "0004_no_case")]
    operations = [
        migrations.RunSQL("INSERT INTO archive_kind VALUES ('training', 'people_exercise', 'done_at', NULL)"),
    ]
