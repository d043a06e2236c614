"""The law `strict`: 60 days."""

from django.db import migrations

STRICT = """
ALTER TABLE archive_term DROP CONSTRAINT archive_lawful;
UPDATE archive_law SET ceiling_days = 60 WHERE law = 'strict' AND ceiling_days = 21;
UPDATE archive_term SET ceiling_days = 60 WHERE law = 'strict' AND ceiling_days = 21;
ALTER TABLE archive_term ADD CONSTRAINT archive_lawful FOREIGN KEY (law, class, floor_days, ceiling_days)
    REFERENCES archive_law (law, class, floor_days, ceiling_days);
"""


class Migration(migrations.Migration):
    """The seventh."""

    dependencies = [("archive", "0006_entry_held")]
    operations = [migrations.RunSQL(STRICT)]
