"""Regular audits count once a plan has begun, and a hit that came to a console is no search: as everywhere else."""

from importlib import import_module
from importlib.resources import files

from django.db import migrations

from platepost.department.database.functions import redefined

_FIRST = import_module("platepost.department.federation.migrations.0001_initial")
_FIELDS = "'person', 'purpose', 'case', 'exigent', 'policy', 'on_behalf_of'"
_DUE = "SELECT coalesce(max(audit.until), plan.begins)"
# What a clause forbids is looked for in every access, those at a console too.
_CHANGED = {
    f"body.field IN ({_FIELDS})": f"body.field IN ({_FIELDS}, 'query')",
    "said ->> 'on_behalf_of' AS behalf\n": (
        "said ->> 'on_behalf_of' AS behalf,\n        coalesce(said -> 'query' ? 'console', false) AS console\n"
    ),
    "'searches', (SELECT count(*) FROM searches)": "'searches', (SELECT count(*) FROM searches WHERE NOT console)",
    _DUE: _DUE.replace("SELECT ", "SELECT plan.begins, "),
    "'plans', (SELECT count(*) FROM plans)": "'plans', (SELECT count(*) FROM plans WHERE begins <= now())",
}
FACTS = redefined(
    files("platepost.department.sharing.migrations").joinpath("0001_sharing.sql").read_text("utf-8"),
    "sharing_facts",
    _FIRST._CHANGED | _CHANGED,  # noqa: SLF001 - what it changed stays changed
)


class Migration(migrations.Migration):
    """The second."""

    dependencies = [("federation", "0001_initial")]
    operations = [migrations.RunSQL(FACTS)]
