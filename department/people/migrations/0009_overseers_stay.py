"""The pages disable no administrator and no auditor, as they end neither role: that takes the command line."""

from importlib.resources import files

from django.db import migrations

from platepost.department.database.functions import redefined

_BEGIN = "    ELSIF (NEW.disabled_at, NEW.active_from)"
# Supervisors must not be able to shut out those who oversee them.
_OVERSEER = """    ELSIF current_user = 'platepost_web' AND NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL
    AND EXISTS (
        SELECT FROM public.people_role AS held WHERE held.person_id = NEW.id AND held.ended_at IS NULL
        AND held.role IN ('administrator', 'auditor')
    ) THEN
        RAISE EXCEPTION 'administrators and auditors are disabled on the command line'
            USING ERRCODE = 'insufficient_privilege';
"""
STAY = redefined(
    files("platepost.department.people.migrations").joinpath("0002_rights.sql").read_text("utf-8"),
    "people_check_person",
    {_BEGIN: _OVERSEER + _BEGIN},
)


class Migration(migrations.Migration):
    """The ninth."""

    dependencies = [("people", "0008_training_terms")]
    operations = [migrations.RunSQL(STAY)]
