-- What posts say of hits. `rebuild` makes rows anew as the owner, and an import puts old ones back: neither alarms.
CREATE OR REPLACE FUNCTION alerts_arrive() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    early record;
BEGIN
    -- A synthetic hit shows that hits arrive, and one of the department's own test plates concerns nobody.
    INSERT INTO alerts_alert (
        record_id, retained_from, post, covert_group, hit, captured_at, arrived_at, category, priority, match,
        list_version, list_age, hotlist_stale, held, second_needed, changed_at
    )
    SELECT record_id, retained_from, post, covert_group, hit, captured_at, clock_timestamp(), category, priority, match,
        list_version, list_age, hotlist_stale, held, match <> 'exact' OR held OR state_agreement = 'contradicts',
        clock_timestamp()
    FROM new_hits WHERE NOT synthetic AND category <> 'acceptance_test' ON CONFLICT (record_id) DO NOTHING;
    -- Another hit of the same vehicle, by what was read and by what is listed: it is shown under the one before, and may
    -- be answered with it. Within a day at most; for how long is the department's setting.
    UPDATE alerts_alert AS alert SET previous_id = (
        SELECT max(former.record_id) FROM custody_hit AS same
        JOIN alerts_alert AS former ON former.record_id = same.record_id
        WHERE same.plate_fold = came.plate_fold AND same.plate_read = came.plate_read
        AND same.plate_matched = came.plate_matched AND same.category = came.category
        AND same.covert_group IS NOT DISTINCT FROM came.covert_group AND same.record_id < came.record_id
        AND same.retained_from >= came.captured_at - interval '1 day'
        AND same.captured_at BETWEEN came.captured_at - interval '1 day' AND came.captured_at + interval '1 day'
    ) FROM new_hits AS came WHERE alert.record_id = came.record_id AND alert.previous_id IS NULL;
    FOR early IN
        SELECT came.record_id, gone.reason FROM new_hits AS came
        JOIN custody_withdrawal AS gone ON gone.hit = came.hit AND gone.post = came.post ORDER BY came.record_id
    LOOP
        PERFORM alerts_take_back(ARRAY[early.record_id], early.reason, NULL, true);
    END LOOP;
    PERFORM pg_notify('alerts', '');
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_arrive FROM PUBLIC;

CREATE TRIGGER alerts_arrive AFTER INSERT ON custody_hit REFERENCING NEW TABLE AS new_hits
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION alerts_arrive();
