"""A purge notes the objects of the pictures that it lets go, in the same transaction; then they are deleted."""

from django.db import migrations

NOTED = """
DO $$
DECLARE
    purge CONSTANT text := pg_get_functiondef('archive_purge_part(uuid, text, timestamptz)'::regprocedure);
    behind CONSTANT text := 'judged := ''SELECT r.id';
    noted CONSTANT text := replace(purge, behind, $add$EXECUTE
        'INSERT INTO custody_unnamed_object SELECT object, ''-infinity'' FROM custody_picture'
        ' WHERE object IS NOT NULL AND ' || format(gone, 'record_id')
        USING part.class, part.begins, part.ends, kept;
    $add$ || behind);
BEGIN
    IF noted = purge THEN
        RAISE EXCEPTION 'archive_purge_part is not as expected';
    END IF;
    EXECUTE noted;
END
$$;
"""


class Migration(migrations.Migration):
    """One function."""

    dependencies = [("archive", "0008_stored"), ("custody", "0007_objects")]
    operations = [migrations.RunSQL(NOTED)]
