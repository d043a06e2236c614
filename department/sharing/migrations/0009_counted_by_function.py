"""What is counted of purged hits goes by a function: the keeper's role deletes from no table."""

from django.db import migrations

COUNTED = """
REVOKE SELECT, DELETE ON alerts_forgotten FROM platepost_keeper;
CREATE FUNCTION sharing_forget_counted(zone text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DELETE FROM public.alerts_forgotten AS gone USING public.sharing_report AS told
WHERE told.month = date_trunc('month', gone.at AT TIME ZONE zone)::date
$$;
REVOKE ALL ON FUNCTION sharing_forget_counted(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_forget_counted(text) TO platepost_keeper;
"""


class Migration(migrations.Migration):
    """The ninth."""

    dependencies = [("sharing", "0008_counted")]
    operations = [migrations.RunSQL(COUNTED)]
