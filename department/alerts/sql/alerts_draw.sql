-- Draws this many reads of each post and week, of the last four weeks, for which none were drawn; returns how many. Weeks
-- begin where the department is.
CREATE OR REPLACE FUNCTION alerts_draw(wanted integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    zone text := (SELECT timezone FROM ledger_department);
    monday timestamp;
    begins timestamptz;
    ends timestamptz;
    lacking text[];
    drawn bigint := 0;
    more bigint;
BEGIN
    LOCK TABLE alerts_sample IN SHARE ROW EXCLUSIVE MODE;
    FOR weeks IN 1..4 LOOP
        monday := date_trunc('week', now() AT TIME ZONE zone) - weeks * interval '7 days';
        begins := monday AT TIME ZONE zone;
        ends := (monday + interval '7 days') AT TIME ZONE zone;
        lacking := ARRAY(
            SELECT post FROM custody_tally WHERE covert_group IS NULL AND last_kept_at >= begins
            EXCEPT SELECT post FROM alerts_sample WHERE week = monday::date
        );
        CONTINUE WHEN lacking = '{}';
        INSERT INTO alerts_sample (week, post, record_id)
        SELECT monday::date, post, record_id FROM (
            SELECT post, record_id, row_number() OVER (PARTITION BY post ORDER BY random()) AS place FROM custody_read
            WHERE class <> 'doubtful' AND covert_group IS NULL AND post = ANY (lacking) AND captured_at >= begins
            AND captured_at < ends AND retained_from >= begins
        ) AS shuffled WHERE place <= wanted ON CONFLICT (record_id) DO NOTHING;
        GET DIAGNOSTICS more = ROW_COUNT;
        drawn := drawn + more;
    END LOOP;
    RETURN drawn;
END
$$;

REVOKE ALL ON FUNCTION alerts_draw FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_draw TO platepost_web;
