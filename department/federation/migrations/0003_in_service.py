"""A post out of service is behind no list: clause P4 was not met for a month after each that was taken down."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FORMER = import_module("platepost.department.federation.migrations.0002_audits_begun").FACTS
_RECENT = "retained_from > now() - interval '31 days' ORDER BY post, at DESC\n), readers"
FACTS = redefined(
    _FORMER,
    "sharing_facts",
    {
        _RECENT: _RECENT.replace(
            "ORDER", "AND post NOT IN (SELECT gone.post FROM custody_decommissioned() AS gone)\n    ORDER"
        )
    },
)


class Migration(migrations.Migration):
    """The third."""

    dependencies = [("federation", "0002_audits_begun"), ("custody", "0008_decommissioned")]
    operations = [migrations.RunSQL(FACTS)]
