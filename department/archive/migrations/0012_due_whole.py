"""Doubtful records, and rows that go one by one, are due and overdue, too, where the law has a ceiling."""

from pathlib import Path

from django.db import migrations

_SCRIPT = Path(__file__).with_name("0001_archive.sql").read_text("utf-8")
_BEGIN = _SCRIPT.index("CREATE VIEW archive_due AS")
_VIEW = _SCRIPT[_BEGIN : _SCRIPT.index(";", _BEGIN)]

DUE = f"""
-- Of classes without partitions, which are due, to what time, and whether some are older than the law allows. What is
-- held does not count, and nothing of covert groups. Of what a law sets no ceiling only doubtful records are told: they
-- wait for somebody to look at them.
CREATE FUNCTION archive_due_whole() RETURNS TABLE (due_class text, due_until timestamptz, is_overdue boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    term archive_term;
    upto timestamptz;
    past timestamptz;
BEGIN
    FOR term IN SELECT * FROM archive_term LOOP
        upto := now() - term.kept_days * interval '24 hours';
        past := now() - term.ceiling_days * interval '24 hours';
        IF term.class = 'doubtful' THEN
            RETURN QUERY WITH kept AS MATERIALIZED (SELECT archive_kept(term.class, '-infinity', upto) AS ids)
            SELECT term.class, upto, bool_or(retained_from < past) FROM custody_record, kept
            WHERE class = term.class AND retained_from < upto AND covert_group IS NULL AND NOT (id = ANY (kept.ids))
            HAVING count(*) > 0;
        ELSIF term.ceiling_days < 36525 AND EXISTS (SELECT FROM archive_kind WHERE class = term.class) THEN
            RETURN QUERY SELECT term.class, upto, EXISTS (
                SELECT FROM archive_old_groups(term.class, past) AS older
                WHERE older.covert_group IS NULL AND older.there > older.held
            ) FROM archive_old_groups(term.class, upto) AS old WHERE old.covert_group IS NULL AND old.there > old.held;
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION archive_due_whole() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_due_whole() TO platepost_web, platepost_auditor, platepost_purger;
{_VIEW.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")}
UNION ALL SELECT due_class, '-infinity', due_until, is_overdue FROM archive_due_whole();
"""


class Migration(migrations.Migration):
    """The twelfth."""

    dependencies = [("archive", "0011_withdrawn_held")]
    operations = [migrations.RunSQL(DUE)]
