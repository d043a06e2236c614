-- A plan whose parts are all gone is done once it is certified.
CREATE OR REPLACE FUNCTION archive_finish(wanted uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM archive_part WHERE plan = wanted AND dropped_at IS NULL)
        OR NOT EXISTS (SELECT FROM custody_certificate WHERE plan = wanted AND covert_group IS NULL)
    THEN
        RAISE EXCEPTION 'the purge is not over' USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_unfinished';
    END IF;
    UPDATE archive_plan SET done_at = clock_timestamp() WHERE plan = wanted AND done_at IS NULL;
END
$$;

REVOKE ALL ON FUNCTION archive_finish FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_finish TO platepost_purger;
