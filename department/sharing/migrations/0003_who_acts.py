"""The next records manager goes on with what a former one began."""

from pathlib import Path

from django.db import migrations

from platepost.department.database.functions import redefined

_SCRIPT = Path(__file__).with_name("0001_sharing.sql").read_text("utf-8")


def _by_who_acts(function: str, column: str) -> str:
    """Have a guard ask for the records manager where a row names who acts, and not who entered it long ago."""
    asks = f"    PERFORM public.sharing_require(coalesce(NEW.{column}, NEW.person), '{{records_manager}}');\n"
    named = f"    IF TG_OP = 'INSERT' OR NEW.{column} IS NOT NULL THEN\n    {asks}    END IF;\n"
    return redefined(_SCRIPT, function, {asks: named})


class Migration(migrations.Migration):
    """The third."""

    dependencies = [("sharing", "0002_public")]
    operations = [
        migrations.RunSQL(
            _by_who_acts("sharing_guard_request", "decided_by") + _by_who_acts("sharing_guard_incident", "notified_by")
        )
    ]
