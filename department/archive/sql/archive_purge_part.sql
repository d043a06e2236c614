-- Carries out one part of an approved plan: records that are held stay, ends and counts of the rest are noted, and it
-- is deleted. Holds wait meanwhile; the keeper waits while partitions are detached, for which this tries again and
-- again rather than waits.
CREATE OR REPLACE FUNCTION archive_purge_part(wanted uuid, wanted_class text, wanted_begins timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET jit = off SET lock_timeout = '10s'
SET work_mem = '256MB' AS $$
DECLARE
    asked archive_plan;
    part archive_part;
    stale text;
    suffix text;
    leaves text[];
    leaf text;
    name text;
    id_column text;
    exempt bigint[];
    rows CONSTANT text := 'class = $1 AND retained_from >= $2 AND retained_from < $3';
    gone text := rows;
    judged text;
BEGIN
    PERFORM pg_advisory_xact_lock(6203300981);
    SELECT * INTO asked FROM archive_plan WHERE plan = wanted FOR UPDATE;
    SELECT * INTO part FROM archive_part WHERE plan = wanted AND class = wanted_class AND begins = wanted_begins;
    IF part.dropped_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF part.plan IS NULL OR asked.approved_at IS NULL THEN
        RAISE EXCEPTION 'no second person has approved it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_approved';
    END IF;
    IF asked.begun_at IS NULL THEN
        stale := archive_stale(wanted);
        IF stale IS NOT NULL THEN
            RAISE EXCEPTION 'the plan is stale: %', stale
                USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_stale';
        END IF;
        UPDATE archive_plan SET begun_at = clock_timestamp() WHERE plan = wanted;
    END IF;

    -- Nobody writes to these any more: late pictures and later judgments wait, and find them gone.
    suffix := archive_suffix(part.class, part.begins, part.ends);
    leaves := ARRAY(
        SELECT table_name || suffix FROM custody_parted WHERE to_regclass('public.' || table_name || suffix) IS NOT NULL
        ORDER BY table_name
    );
    FOREACH leaf IN ARRAY leaves LOOP
        EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', leaf);
    END LOOP;

    -- What came after it was approved nobody approved: such a part stays, and the next plan has it.
    IF part.class <> 'held' AND part.records <> (
        SELECT count(*) FROM custody_record
        WHERE class = part.class AND retained_from >= part.begins AND retained_from < part.ends
    ) THEN
        UPDATE archive_part SET dropped_at = clock_timestamp(), shown = shown || '{"left": true}'
        WHERE plan = wanted AND class = wanted_class AND begins = wanted_begins;
        RETURN;
    END IF;

    exempt := archive_kept(part.class, part.begins, part.ends);
    IF part.class = 'held' THEN
        gone := rows || ' AND NOT (%1$I = ANY ($4))';
    ELSIF cardinality(exempt) > 0 THEN
        -- Records first: what belongs to them follows, and is refused without them.
        FOR name IN SELECT table_name FROM custody_parted WHERE table_name || suffix = ANY (leaves)
            ORDER BY table_name <> 'custody_record', table_name
        LOOP
            id_column := CASE name WHEN 'custody_record' THEN 'id' ELSE 'record_id' END;
            EXECUTE format('UPDATE %I SET class = ''held'' WHERE ' || rows || ' AND %I = ANY ($4)', name, id_column)
                USING part.class, part.begins, part.ends, exempt;
        END LOOP;
    END IF;

    EXECUTE format(
        'INSERT INTO archive_outcome SELECT $5, $1, $2, covert_group, jsonb_object_agg(what, n ORDER BY what),'
        ' coalesce(max(held), ''{}'') FROM ('
        'SELECT covert_group, ''records'' AS what, count(*) AS n, NULL::bigint[] AS held FROM custody_record'
        ' WHERE %1$s GROUP BY 1'
        ' UNION ALL SELECT covert_group, ''reads'', count(*), NULL FROM custody_read WHERE %2$s GROUP BY 1'
        ' UNION ALL SELECT covert_group, ''hits'', count(*), NULL FROM custody_hit WHERE %2$s GROUP BY 1'
        ' UNION ALL SELECT covert_group, ''pictures'', count(*), NULL FROM custody_picture WHERE %2$s GROUP BY 1'
        ' UNION ALL SELECT covert_group, ''held'', count(*), array_agg(id ORDER BY id) FROM custody_record'
        ' WHERE class = ''held'' AND retained_from >= $2 AND retained_from < $3 AND id = ANY ($4) GROUP BY 1'
        ') AS counted GROUP BY covert_group', format(gone, 'id'), format(gone, 'record_id')
    ) USING part.class, part.begins, part.ends, exempt, wanted;
    IF part.begins = '-infinity' THEN
        EXECUTE 'SELECT coalesce(array_agg(DISTINCT search_week(retained_from)), ''{}'') FROM custody_read WHERE '
            || format(gone, 'record_id') INTO part.weeks USING part.class, part.begins, part.ends, exempt;
    ELSE
        part.weeks := ARRAY[search_week(part.begins)];
    END IF;

    -- Objects of the pictures that go are deleted afterwards.
    EXECUTE 'INSERT INTO custody_unnamed_object SELECT object, ''-infinity'' FROM custody_picture'
        ' WHERE object IS NOT NULL AND ' || format(gone, 'record_id')
        USING part.class, part.begins, part.ends, exempt;
    judged := 'SELECT r.id, r.post, r.chain, r.sequence, r.previous, r.digest, r.kept_at, r.type, r.covert_group,'
        ' coalesce(j.verdict, r.verdict) AS verdict, CASE WHEN j.verdict IS NULL THEN r.key ELSE j.key END AS key'
        ' FROM (SELECT * FROM custody_stored WHERE ' || format(gone, 'id') || ') AS r LEFT JOIN ('
        'SELECT DISTINCT ON (record_id) record_id, verdict, key FROM custody_rejudged WHERE ' || rows ||
        ' ORDER BY record_id, id DESC) AS j ON j.record_id = r.id';
    EXECUTE 'INSERT INTO custody_purged_tally AS known SELECT post, (kept_at AT TIME ZONE ''UTC'')::date, type,'
        ' verdict, covert_group, count(*), max(kept_at) FROM (' || judged || ') AS judged GROUP BY 1, 2, 3, 4, 5'
        ' ON CONFLICT (post, day, type, verdict, covert_group) DO UPDATE SET count = known.count + excluded.count,'
        ' last_kept_at = greatest(known.last_kept_at, excluded.last_kept_at)'
        USING part.class, part.begins, part.ends, exempt;
    -- Of several records of one number the first counts. A run ends where the next number is missing, or the next
    -- record does not name this one. All of it in one order, so that one sort does.
    EXECUTE 'INSERT INTO custody_purged'
        ' SELECT $5, post, chain, sequence, last, previous, digest, proven, covert_group FROM ('
        'SELECT post, chain, proven, covert_group, begins, sequence, previous,'
        ' CASE WHEN ends THEN sequence ELSE lead(sequence) OVER run END AS last,'
        ' CASE WHEN ends THEN digest ELSE lead(digest) OVER run END AS digest FROM ('
        'SELECT *, lead(begins, 1, true) OVER run AS ends FROM ('
        'SELECT *, (sequence, previous) IS DISTINCT FROM (lag(sequence) OVER run + 1, lag(digest) OVER run) AS begins'
        ' FROM ('
        'SELECT *, lag(sequence) OVER run AS before FROM ('
        'SELECT id, post, chain, sequence, previous, digest, covert_group,'
        ' verdict IN (''genuine'', ''unknown'') AS proven FROM (' || judged || ') AS judged WHERE chain IS NOT NULL'
        ' AND (verdict IN (''genuine'', ''unknown'', ''foreign'')'
        ' OR verdict = ''forged'' AND key IS NOT NULL)) AS placed'
        ' WINDOW run AS (PARTITION BY post, chain, proven ORDER BY sequence, id)) AS numbered'
        ' WHERE before IS DISTINCT FROM sequence'
        ' WINDOW run AS (PARTITION BY post, chain, proven ORDER BY sequence, id)) AS linked'
        ' WINDOW run AS (PARTITION BY post, chain, proven ORDER BY sequence, id)) AS parted WHERE begins OR ends'
        ' WINDOW run AS (PARTITION BY post, chain, proven ORDER BY sequence, id)) AS runs WHERE begins'
        USING part.class, part.begins, part.ends, exempt, wanted;

    IF part.begins = '-infinity' THEN
        FOR name IN SELECT table_name FROM custody_parted LOOP
            id_column := CASE name WHEN 'custody_record' THEN 'id' ELSE 'record_id' END;
            EXECUTE format('DELETE FROM %I WHERE ' || format(gone, id_column), name)
                USING part.class, part.begins, part.ends, exempt;
        END LOOP;
    ELSE
        FOR attempt IN 1..150 LOOP
            BEGIN
                PERFORM set_config('lock_timeout', '200ms', true);
                FOREACH leaf IN ARRAY leaves LOOP
                    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I',
                        left(leaf, length(leaf) - length(suffix)) || '_' || part.class, leaf);
                END LOOP;
                EXIT;
            EXCEPTION WHEN lock_not_available THEN
                IF attempt = 150 THEN
                    RAISE EXCEPTION 'a session has been reading these records for too long' USING ERRCODE = 'lock_not_available';
                END IF;
                PERFORM pg_sleep(0.2);
            END;
        END LOOP;
        FOREACH leaf IN ARRAY leaves LOOP
            EXECUTE format('DROP TABLE %I', leaf);
        END LOOP;
    END IF;
    UPDATE archive_part SET dropped_at = clock_timestamp(), weeks = part.weeks
    WHERE plan = wanted AND class = wanted_class AND begins = wanted_begins;
END
$$;

REVOKE ALL ON FUNCTION archive_purge_part FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_purge_part TO platepost_purger;
