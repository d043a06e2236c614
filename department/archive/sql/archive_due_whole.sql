-- Classes without partitions that are due, up to what time, and whether some rows are older than the law allows. What
-- is held does not count, and nothing of covert groups. Of classes for which a law sets no ceiling, only doubtful
-- records are reported: they wait for somebody to review them.
CREATE OR REPLACE FUNCTION archive_due_whole() RETURNS TABLE (due_class text, due_until timestamptz, is_overdue boolean)
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
            RETURN QUERY WITH exempt AS MATERIALIZED (SELECT archive_kept(term.class, '-infinity', upto) AS ids)
            SELECT term.class, upto, bool_or(retained_from < past) FROM custody_record, exempt
            WHERE class = term.class AND retained_from < upto AND covert_group IS NULL AND NOT (id = ANY (exempt.ids))
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

REVOKE ALL ON FUNCTION archive_due_whole FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_due_whole TO platepost_web, platepost_auditor, platepost_purger;
