"""A request of public records is due within the days of the law: a day that its form says is no later."""

from importlib import import_module

from django.db import migrations

from platepost.department.database.functions import redefined

_FORMER = import_module("platepost.department.sharing.migrations.0003_who_acts")
_EXTENDED = "    -- Gov. Code 7922.535 (b): once, by 14 days.\n"
_DUE = """    -- Gov. Code 7922.535 (a).
    IF TG_OP = 'INSERT' AND NEW.kind = 'public records' AND NEW.due_on > NEW.received_on + 10 THEN
        RAISE EXCEPTION 'too late' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_request_law';
    END IF;
"""
GUARD = redefined(
    _FORMER._by_who_acts("sharing_guard_request", "decided_by"),  # noqa: SLF001 - as that migration left it
    "sharing_guard_request",
    {_EXTENDED: _DUE + _EXTENDED},
)


class Migration(migrations.Migration):
    """The fifth."""

    dependencies = [("sharing", "0004_purged_reads")]
    operations = [migrations.RunSQL(GUARD)]
