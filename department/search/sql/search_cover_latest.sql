-- after: custody_selected, ledger_cover, search_candidates
-- Covers a page of plates in the order of their latest reads, the latest first: of the plates of the dictionary that the
-- entry compares, without some, or of the reads that any of `asked` selects. None where there are more than 5,000. Returns how many there
-- are, and whether some come behind the page: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_latest(
    opened uuid, asked jsonb, of_dictionary boolean, left_out text[], behind_at timestamptz, behind_record bigint, page integer,
    noted_for text DEFAULT NULL, OUT total integer, OUT more boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    compared text[];
    source text;
BEGIN
    IF of_dictionary THEN
        compared := ARRAY(
            SELECT covered.plate FROM public.ledger_covered AS covered
            WHERE covered.entry = opened AND covered.compared AND pg_xact_status(covered.transaction) = 'committed'
            AND covered.plate <> ALL (left_out)
        );
        -- Where nothing narrows the reads, the latest of a plate is among those of its last six weeks with any: a read is
        -- kept 31 days after its capture at most.
        source := 'SELECT latest.* FROM ('
            'SELECT plate_fold AS plate, to_timestamp(min(at) * 604800::bigint + 345600) AS week,'
            ' to_timestamp(max(at) * 604800::bigint + 950400) AS week_end FROM ('
            'SELECT plate_fold, at, at - row_number() OVER (PARTITION BY plate_fold ORDER BY at) AS run'
            ' FROM public.search_plate, unnest(weeks) AS at WHERE plate_fold = ANY ($1)'
            || CASE WHEN asked -> 0 ?| '{posts,since,until,hours,weekdays,fields}' THEN ''
                ELSE ' AND at >= weeks[cardinality(weeks)] - 5' END
            || ') AS weeks GROUP BY plate_fold, run) AS known, LATERAL ('
            'SELECT plate_fold, captured_at, record_id, covert_group FROM '
            || public.custody_selected('read', asked -> 0, own)
            || ' AND plate_fold = plate AND retained_from >= week AND retained_from < week_end'
            ' ORDER BY captured_at DESC, record_id DESC LIMIT 1 OFFSET 0) AS latest';
    ELSE
        SELECT string_agg('SELECT plate_fold, captured_at, record_id, covert_group FROM '
            || public.custody_selected('read', each, own), ' UNION ALL ')
        INTO source FROM jsonb_array_elements(asked) AS each;
    END IF;
    EXECUTE 'WITH latest AS MATERIALIZED ('
        'SELECT DISTINCT ON (plate_fold) * FROM (' || source || ') AS of_plates'
        ' ORDER BY plate_fold, captured_at DESC, record_id DESC LIMIT 5001), page AS ('
        'SELECT *, row_number() OVER (ORDER BY captured_at DESC, record_id DESC) AS place FROM latest'
        ' WHERE $2 IS NULL OR (captured_at, record_id) < ($2, $3)'
        ' ORDER BY captured_at DESC, record_id DESC LIMIT $4 + 1'
        '), added AS ('
        'INSERT INTO public.ledger_covered (entry, plate, compared, covert_group) SELECT $5, plate_fold, place > $4,'
        ' CASE WHEN $6 = ANY ($7) THEN $6 ELSE covert_group END FROM page WHERE (SELECT count(*) FROM latest) <= 5000)'
        ' SELECT (SELECT count(*) FROM latest), (SELECT count(*) FROM page) > $4'
    INTO total, more
    USING compared, behind_at, behind_record, greatest(least(page, 5000), 0), opened, noted_for, own;
END
$$;

REVOKE ALL ON FUNCTION search_cover_latest FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_latest TO platepost_web;
