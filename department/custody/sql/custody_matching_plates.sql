-- after: custody_selected
-- The plates that reads have, as they are asked for, in order, behind one, 5,001 at most; with the covert group, where
-- no read is open. Of a time alone, with a place or with plates, the statement is planned once a session: to plan it takes
-- longer than all else. `custody_selected` makes the same of these members.
CREATE OR REPLACE FUNCTION custody_matching_plates(asked jsonb, own text[], behind text)
RETURNS TABLE (plate text, only_group text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    posts text[] := ARRAY(SELECT jsonb_array_elements_text(asked -> 'posts'));
    since timestamptz := asked ->> 'since';
    until timestamptz := asked ->> 'until';
    matching text := asked ->> 'matching';
    lows text[] := ARRAY(SELECT jsonb_array_elements_text(asked #> '{beginnings,0}'));
    highs text[] := ARRAY(SELECT jsonb_array_elements_text(asked #> '{beginnings,1}'));
BEGIN
    IF asked ?& '{posts,since,until}' AND asked - '{posts,since,until,matching,beginnings}'::text[] = '{}' THEN
        IF cardinality(lows) = 0 THEN
            lows := '{""}';
            highs := ARRAY[chr(1114111)];
        END IF;
        RETURN QUERY SELECT kept.plate_fold,
            CASE WHEN bool_and(kept.covert_group IS NOT NULL) THEN min(kept.covert_group) END
        FROM unnest(lows, highs) AS begun (low, high) CROSS JOIN LATERAL (
            SELECT * FROM public.custody_read AS sound
            WHERE sound.class <> 'doubtful' AND sound.retained_from >= since
            AND sound.retained_from < until + interval '31 days'
            UNION ALL
            SELECT * FROM public.custody_read AS doubtful WHERE doubtful.class = 'doubtful'
        ) AS kept
        WHERE kept.post = ANY (posts) AND kept.captured_at >= since AND kept.captured_at < until
        AND kept.plate_fold >= begun.low AND kept.plate_fold < begun.high AND kept.plate_fold > behind
        AND (matching IS NULL OR kept.plate_fold ~ matching)
        AND (kept.covert_group IS NULL OR kept.covert_group = ANY (own))
        GROUP BY kept.plate_fold ORDER BY kept.plate_fold LIMIT 5001;
    ELSIF asked ?& '{plates,since,until}' AND asked - '{plates,since,until}'::text[] = '{}' THEN
        RETURN QUERY SELECT kept.plate_fold,
            CASE WHEN bool_and(kept.covert_group IS NOT NULL) THEN min(kept.covert_group) END
        FROM (
            SELECT * FROM public.custody_read AS sound
            WHERE sound.class <> 'doubtful' AND sound.retained_from >= since
            AND sound.retained_from < until + interval '31 days'
            UNION ALL
            SELECT * FROM public.custody_read AS doubtful WHERE doubtful.class = 'doubtful'
        ) AS kept
        WHERE kept.plate_fold = ANY (ARRAY(SELECT jsonb_array_elements_text(asked -> 'plates')))
        AND kept.captured_at >= since AND kept.captured_at < until AND kept.plate_fold > behind
        AND (kept.covert_group IS NULL OR kept.covert_group = ANY (own))
        GROUP BY kept.plate_fold ORDER BY kept.plate_fold LIMIT 5001;
    ELSE
        RETURN QUERY EXECUTE 'SELECT plate_fold,'
            ' CASE WHEN bool_and(covert_group IS NOT NULL) THEN min(covert_group) END FROM '
            || public.custody_selected('read', asked, own)
            || ' AND plate_fold > $1 GROUP BY plate_fold ORDER BY plate_fold LIMIT 5001'
        USING behind;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION custody_matching_plates FROM PUBLIC;
