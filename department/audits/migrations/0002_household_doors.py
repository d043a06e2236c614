"""What people name on the page of their household lies sealed until the night; side doors are counted."""

from django.db import migrations

# Each statement of the function sees what whoever held the lock before has left.
SEALED = """
CREATE TABLE audits_household_sealed (
    person text PRIMARY KEY,
    sealed text NOT NULL,
    plates integer NOT NULL CHECK (plates BETWEEN 1 AND 10),
    given_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
DROP FUNCTION audits_forget_household(text);
CREATE FUNCTION audits_forget_household(who text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audits_household ' || who, 0));
    DELETE FROM public.audits_household WHERE person = who;
    DELETE FROM public.audits_household_sealed WHERE person = who RETURNING sealed INTO was;
    RETURN was;
END
$$;
REVOKE ALL ON FUNCTION audits_forget_household(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_forget_household(text) TO platepost_web;
GRANT SELECT, INSERT ON audits_household_sealed TO platepost_web;
"""

# Counts alone, for the first page of audits: whose they are, the ledger says to who opens it. `strangers` are by names
# that no person has who may log in; what a post does by itself has the post's name.
DOORS = """
CREATE FUNCTION audits_post_accesses(since timestamptz)
RETURNS TABLE (kind text, times bigint, strangers bigint, failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN seen.kind LIKE 'command%' THEN seen.object ELSE replace(seen.kind, '_', ' ') END, count(*),
    count(*) FILTER (WHERE seen.person <> seen.post AND NOT EXISTS (
        SELECT FROM public.people_person AS known WHERE known.login = lower(seen.person) AND known.disabled_at IS NULL
    )), count(*) FILTER (WHERE seen.outcome <> 'success')
FROM public.custody_access AS seen
WHERE seen.covert_group IS NULL AND seen.at >= since AND seen.retained_from >= since GROUP BY 1 ORDER BY 1
$$;
REVOKE ALL ON FUNCTION audits_post_accesses(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_post_accesses(timestamptz) TO platepost_web;
"""


class Migration(migrations.Migration):
    """The second."""

    dependencies = [("audits", "0001_initial"), ("custody", "0001_initial")]
    operations = [migrations.RunSQL(SEALED + DOORS)]
