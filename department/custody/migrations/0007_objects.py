"""A picture may lie in a bucket, and then its row has the object's name.

Pictures that are kept already stay where they are. Nothing is rewritten or read: each lock is held for a moment.
"""

from django.db import migrations

OBJECTS = """
ALTER TABLE custody_picture
    ADD COLUMN object uuid,
    ALTER COLUMN body DROP NOT NULL,
    ADD CONSTRAINT custody_picture_lies CHECK (num_nonnulls(body, object) = 1) NOT VALID;

-- Objects that no picture names: those that are being put, and those that a purge let go.
CREATE TABLE custody_unnamed_object (
    object uuid PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, DELETE ON custody_unnamed_object TO platepost_keeper;
GRANT SELECT, DELETE ON custody_unnamed_object TO platepost_purger;
"""


class Migration(migrations.Migration):
    """A column and a table."""

    dependencies = [("custody", "0006_vehicle")]
    operations = [migrations.RunSQL(OBJECTS)]
