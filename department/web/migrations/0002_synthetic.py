"""Synthetic hits for the status page: when the last came, and nothing else of any hit."""

from django.db import migrations

from platepost.department.database.roles import WEB

_SQL = f"""
-- As the owner, whom row security does not bind: a synthetic hit is of no vehicle.
CREATE FUNCTION custody_synthetic_kept() RETURNS TABLE (post text, captured_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT hit.post, max(hit.captured_at) FROM public.custody_hit AS hit
    WHERE hit.class = 'hit' AND hit.synthetic AND hit.covert_group IS NULL
    AND hit.retained_from > now() - interval '31 days'
    GROUP BY hit.post
$$;
REVOKE ALL ON FUNCTION custody_synthetic_kept() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_synthetic_kept() TO {WEB};
"""


class Migration(migrations.Migration):
    """A function for the web role."""

    dependencies = [("web", "0001_initial"), ("custody", "0001_initial")]
    operations = [migrations.RunSQL(_SQL, "DROP FUNCTION custody_synthetic_kept()")]
