"""Kinds without a column of the case: `format` takes no NULL for a name."""

from django.db import migrations

NO_CASE = """
CREATE OR REPLACE FUNCTION archive_case_held(case_column text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT coalesce('coalesce(' || quote_ident(case_column)
    || ' IN (SELECT case_number FROM archive_hold WHERE lifted_at IS NULL), false)', 'false')
$$;
"""


class Migration(migrations.Migration):
    """A function is replaced."""

    dependencies = [("archive", "0003_holds_aside")]
    operations = [migrations.RunSQL(NO_CASE)]
