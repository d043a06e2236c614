-- Place a hold again unless it is in force; how many of its records are not here, or not here yet.
CREATE OR REPLACE FUNCTION archive_hold_again(fields jsonb, OUT hold bigint, OUT missing integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    again archive_hold := jsonb_populate_record(NULL::archive_hold, fields);
    wanted bytea[] := ARRAY(SELECT decode(one, 'hex') FROM jsonb_array_elements_text(fields -> 'digests') AS one);
BEGIN
    again.records := ARRAY(SELECT id FROM custody_record WHERE digest = ANY (wanted) ORDER BY id);
    missing := (SELECT count(DISTINCT one) FROM unnest(wanted) AS one)
        - (SELECT count(DISTINCT digest) FROM custody_record WHERE id = ANY (again.records));
    IF again.since IS NULL AND again.records = '{}' OR EXISTS (
        SELECT FROM archive_hold AS known WHERE lifted_at IS NULL AND known.records @> again.records
        AND (known.kind, known.case_number, known.person, known.reason, known.posts, known.plates)
            = (again.kind, again.case_number, again.person, again.reason, again.posts, again.plates)
        AND (known.since, known.until) IS NOT DISTINCT FROM (again.since, again.until)
    ) THEN
        RETURN;
    END IF;
    INSERT INTO archive_hold
        (kind, case_number, person, reason, review_on, records, posts, plates, since, until, groups)
    SELECT again.kind, again.case_number, again.person, again.reason, again.review_on, again.records, again.posts,
        again.plates, again.since, again.until, ARRAY(
            SELECT DISTINCT covert_group FROM custody_record WHERE id = ANY (again.records) AND covert_group IS NOT NULL
            UNION SELECT unnest(again.groups)
        )
    RETURNING id INTO hold;
END
$$;

REVOKE ALL ON FUNCTION archive_hold_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_hold_again TO platepost_web;
