"""Alerts of a covert group are for its members, whatever an entry says of groups."""

from django.db import migrations

MEMBERS = """
CREATE FUNCTION alerts_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM alerts_alert AS alert WHERE alert.record_id = NEW.record_id AND alert.covert_group IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM people_covert AS joined JOIN people_person AS person ON person.id = joined.person_id
            WHERE joined."group" = alert.covert_group AND person.login = NEW.person AND joined.left_at IS NULL
        )
    ) THEN
        PERFORM alerts_refuse('alerts_unknown', 'There is no such alert.');
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION alerts_member() FROM PUBLIC;
-- Before `alerts_do_step`, by the order of their names.
CREATE TRIGGER alerts_a_member BEFORE INSERT ON alerts_step FOR EACH ROW WHEN (NOT NEW.by_program)
    EXECUTE FUNCTION alerts_member();
"""


class Migration(migrations.Migration):
    """The second."""

    dependencies = [("alerts", "0001_initial"), ("people", "0004_covert")]
    operations = [migrations.RunSQL(MEMBERS)]
