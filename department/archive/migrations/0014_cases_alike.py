"""A hold of a case keeps what was done under its number, in small letters or capitals: people type both."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_CASES = "WHERE lifted_at IS NULL AND case_number = ANY (cases))"
_VALUES = "ARRAY(SELECT value #>> '{}' FROM said WHERE field = 'case')"
ALIKE = (
    redefined(
        import_module("platepost.department.archive.migrations.0006_entry_held").HELD,
        "archive_entry_held",
        {
            _CASES: _CASES.replace("case_number", "lower(case_number)"),
            _VALUES: _VALUES.replace("value #>> '{}'", "lower(value #>> '{}')"),
        },
    )
    + """
CREATE INDEX archive_hold_any_case ON archive_hold (lower(case_number)) WHERE lifted_at IS NULL;
DROP INDEX archive_hold_case;
CREATE OR REPLACE FUNCTION archive_case_held(case_column text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT coalesce('coalesce(lower(' || quote_ident(case_column)
    || ') IN (SELECT lower(case_number) FROM archive_hold WHERE lifted_at IS NULL), false)', 'false')
$$;
"""
)


class Migration(migrations.Migration):
    """The fourteenth."""

    dependencies = [("archive", "0013_fewer_rows")]
    operations = [migrations.RunSQL(ALIKE)]
