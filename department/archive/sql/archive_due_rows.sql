-- after: archive_old
-- Kinds of which rows are older than their term, or that may have rows of covert groups, which nobody sees from a plan.
CREATE OR REPLACE FUNCTION archive_due_rows() RETURNS TABLE (class text, ends timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT class, upto FROM archive_kind JOIN archive_term USING (class),
    LATERAL (SELECT clock_timestamp() - kept_days * interval '24 hours' AS upto) AS over
WHERE group_column IS NOT NULL OR (SELECT there > held FROM archive_old(class, upto)) ORDER BY class
$$;

REVOKE ALL ON FUNCTION archive_due_rows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_due_rows TO platepost_web;
