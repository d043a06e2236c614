"""A purge counts records by their type, which stands in `custody_constants` for most."""

from django.db import migrations

STORED = """
DO $$
DECLARE
    purge CONSTANT text := pg_get_functiondef('archive_purge_part(uuid, text, timestamptz)'::regprocedure);
BEGIN
    EXECUTE replace(purge, '(SELECT * FROM custody_record WHERE', '(SELECT * FROM custody_stored WHERE');
END
$$;
"""


class Migration(migrations.Migration):
    """One function."""

    dependencies = [("archive", "0007_strict"), ("custody", "0004_constants")]
    operations = [migrations.RunSQL(STORED)]
