-- after: custody_selected, ledger_cover, search_candidates
-- Covers a page of plates in the order of their latest reads, the latest first: of the plates of the dictionary that the
-- entry compares, without some, or of the reads that any of `asked` selects. None where there are more than 5,000.
-- Returns how many there are, and whether some come behind the page: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_latest(
    opened uuid, asked jsonb, of_dictionary boolean, left_out text[], behind_at timestamptz, behind_record bigint, page integer,
    noted_for text DEFAULT NULL, OUT total integer, OUT more boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    narrows boolean := asked -> 0 ?| '{posts,since,until,hours,weekdays,fields}';
    most integer := greatest(least(page, 5000), 0);
    compared text[];
    latest text := 'SELECT array_agg((plate_fold, captured_at, record_id, covert_group)::public.search_latest) FROM ('
        'SELECT DISTINCT ON (plate_fold) plate_fold, captured_at, record_id, covert_group FROM ';
    in_order text := ' ORDER BY plate_fold, captured_at DESC, record_id DESC LIMIT 5001) AS latest';
    week record;
    found_there public.search_latest[];
    sure public.search_latest[] := '{}';
    late public.search_latest[] := '{}';
BEGIN
    IF of_dictionary THEN
        compared := ARRAY(
            SELECT covered.plate FROM public.ledger_covered AS covered
            WHERE covered.entry = opened AND covered.compared AND pg_xact_status(covered.transaction) = 'committed'
            AND covered.plate <> ALL (left_out)
        );
    END IF;
    IF NOT narrows AND cardinality(compared) > most THEN
        -- By week of the dictionary, the last one first, until a page is full. A read is kept when it is captured or later,
        -- but a doubtful one, whose clock was wrong: so a read that was captured within a week is later than all that
        -- were kept before that week.
        latest := latest || public.custody_selected('read', asked -> 0, own) || ' AND plate_fold = ANY ($1) AND ';
        EXECUTE latest || 'class = ''doubtful''' || in_order INTO late USING compared;
        late := coalesce(late, '{}');
        FOR week IN
            SELECT to_timestamp(each * 604800::bigint + 345600) AS begins,
                to_timestamp(each * 604800::bigint + 950400) AS ends, array_agg(known.plate_fold) AS plates
            FROM public.search_plate AS known, unnest(known.weeks) AS each WHERE known.plate_fold = ANY (compared)
            AND each > known.weeks[cardinality(known.weeks)] - 6 GROUP BY each ORDER BY each DESC
        LOOP
            EXECUTE latest || 'class <> ''doubtful'' AND retained_from >= $2 AND retained_from < $3' || in_order
            INTO found_there
            USING ARRAY(SELECT unnest(week.plates) EXCEPT SELECT settled.plate FROM unnest(sure) AS settled),
                week.begins, week.ends;
            found_there := ARRAY(
                SELECT DISTINCT ON (one.plate) (one.plate, one.at, one.record, one.covert_group)::public.search_latest
                FROM unnest(late || coalesce(found_there, '{}')) AS one ORDER BY one.plate, one.at DESC, one.record DESC
            );
            sure := sure || ARRAY(SELECT one::public.search_latest FROM unnest(found_there) AS one WHERE one.at >= week.begins);
            late := ARRAY(SELECT one::public.search_latest FROM unnest(found_there) AS one WHERE one.at < week.begins);
            EXIT WHEN most < (
                SELECT count(*) FROM unnest(sure) AS one
                WHERE behind_at IS NULL OR (one.at, one.record) < (behind_at, behind_record)
            );
        END LOOP;
        total := cardinality(compared);
    ELSE
        -- Where nothing narrows the reads, the latest of a plate is among those of its last six weeks with any: a read is
        -- kept 31 days after its capture at most.
        EXECUTE latest || '(' || CASE WHEN of_dictionary THEN
            'SELECT found_there.* FROM ('
            'SELECT plate_fold AS plate, to_timestamp(min(at) * 604800::bigint + 345600) AS week,'
            ' to_timestamp(max(at) * 604800::bigint + 950400) AS week_end FROM ('
            'SELECT plate_fold, at, at - row_number() OVER (PARTITION BY plate_fold ORDER BY at) AS run'
            ' FROM public.search_plate, unnest(weeks) AS at WHERE plate_fold = ANY ($1)'
            || CASE WHEN narrows THEN '' ELSE ' AND at > weeks[cardinality(weeks)] - 6' END
            || ') AS weeks GROUP BY plate_fold, run) AS known, LATERAL ('
            'SELECT plate_fold, captured_at, record_id, covert_group FROM '
            || public.custody_selected('read', asked -> 0, own)
            || ' AND plate_fold = plate AND retained_from >= week AND retained_from < week_end'
            ' ORDER BY captured_at DESC, record_id DESC LIMIT 1 OFFSET 0) AS found_there'
        ELSE (
            SELECT string_agg('SELECT plate_fold, captured_at, record_id, covert_group FROM '
                || public.custody_selected('read', each, own), ' UNION ALL ') FROM jsonb_array_elements(asked) AS each
        ) END || ') AS of_plates' || in_order INTO sure USING compared;
    END IF;
    sure := coalesce(sure, '{}') || late;
    total := coalesce(total, cardinality(sure));
    WITH shown AS (
        SELECT one.*, row_number() OVER (ORDER BY one.at DESC, one.record DESC) AS place FROM unnest(sure) AS one
        WHERE behind_at IS NULL OR (one.at, one.record) < (behind_at, behind_record)
        ORDER BY one.at DESC, one.record DESC LIMIT most + 1
    ), added AS (
        INSERT INTO public.ledger_covered (entry, plate, compared, covert_group)
        SELECT opened, shown.plate, shown.place > most,
            CASE WHEN noted_for = ANY (own) THEN noted_for ELSE shown.covert_group END
        FROM shown WHERE total <= 5000
    )
    SELECT count(*) > most INTO more FROM shown;
END
$$;

REVOKE ALL ON FUNCTION search_cover_latest FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_latest TO platepost_web;
