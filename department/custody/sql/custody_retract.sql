-- Deletes the projections of records whose last judgment is not that they are genuine. The keeper may do no more than
-- that.
CREATE OR REPLACE FUNCTION custody_retract(retracted bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    projection text;
    refuted bigint[] := ARRAY(
        SELECT record_id FROM (
            SELECT DISTINCT ON (record_id) record_id, verdict FROM custody_rejudged
            WHERE record_id = ANY (retracted) ORDER BY record_id, id DESC
        ) last WHERE verdict <> 'genuine'
    );
BEGIN
    FOR projection IN
        SELECT table_name FROM custody_parted
        WHERE table_name NOT IN ('custody_record', 'custody_picture', 'custody_rejudged')
    LOOP
        EXECUTE format('DELETE FROM %I WHERE record_id = ANY ($1)', projection) USING refuted;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION custody_retract FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_retract TO platepost_keeper;
