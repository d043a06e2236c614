"""A hold of a time keeps what posts said of themselves then, though it came later: some were away."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FORMER = import_module("platepost.department.archive.migrations.0011_withdrawn_held").HELD
_CAME = """            INTO more USING wanted, begins, ends, hold.since, hold.until, hold.posts;
        kept := kept || more;
"""
HELD = redefined(
    _FORMER,
    "archive_kept",
    {
        _CAME: _CAME
        + """        EXECUTE format(
            'SELECT array_agg(record_id) FROM (SELECT record_id FROM custody_status WHERE %1$s'
            ' UNION ALL SELECT record_id FROM custody_audit WHERE %1$s'
            ' UNION ALL SELECT record_id FROM custody_health WHERE %1$s'
            ' UNION ALL SELECT record_id FROM custody_access WHERE %1$s) AS said',
            part || ' AND at >= $4 AND at < $5' || place
        ) INTO more USING wanted, begins, ends, hold.since, hold.until, hold.posts;
        kept := kept || more;
"""
    },
)


class Migration(migrations.Migration):
    """The fifteenth."""

    dependencies = [("archive", "0014_cases_alike")]
    operations = [migrations.RunSQL(HELD)]
