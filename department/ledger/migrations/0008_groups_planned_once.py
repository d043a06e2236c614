"""The covert groups that a reading may see, planned once a session, too."""

from django.db import migrations

PLANNED = """
CREATE OR REPLACE FUNCTION ledger_groups() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT name FROM public.ledger_body AS body, json_array_elements_text(body.value::json) AS name
        WHERE body.entry = nullif(current_setting('platepost.entry', true), '')::uuid AND body.field = 'groups'
        AND (public.ledger_open() OR public.ledger_log_open())
    );
END
$$;
"""


class Migration(migrations.Migration):
    """The same answers."""

    dependencies = [("ledger", "0007_planned_once")]
    operations = [migrations.RunSQL(PLANNED)]
