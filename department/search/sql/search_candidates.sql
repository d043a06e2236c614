-- Plates that a search may be for: no role calls this, but the functions that cover what it returns. `any_of` has groups
-- of grams as array literals. With `plates`, three groups are of plates that hide a character; that statement is planned
-- once a session.
CREATE OR REPLACE FUNCTION search_candidates(
    plates text[], all_of integer[], any_of text[], pattern text, most integer
) RETURNS SETOF public.search_plate
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    condition text := 'true';
    grams text;
BEGIN
    IF plates IS NOT NULL THEN
        RETURN QUERY SELECT * FROM public.search_plate WHERE plate_fold = ANY (plates) LIMIT most;
        IF cardinality(any_of) > 0 THEN
            RETURN QUERY SELECT * FROM public.search_plate WHERE strpos(plate_fold, '?') > 0
                AND public.search_grams(plate_fold) && any_of[1]::integer[]
                AND public.search_grams(plate_fold) && any_of[2]::integer[]
                AND public.search_grams(plate_fold) && any_of[3]::integer[]
                AND plate_fold ~ pattern LIMIT most;
        END IF;
        RETURN;
    END IF;
    IF cardinality(all_of) + cardinality(any_of) = 0 THEN
        RAISE EXCEPTION 'no gram is given' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(all_of) > 0 THEN
        condition := format('public.search_grams(plate_fold) @> %L::integer[]', all_of);
    END IF;
    FOREACH grams IN ARRAY any_of LOOP
        condition := condition || format(' AND public.search_grams(plate_fold) && %L::integer[]', grams);
    END LOOP;
    RETURN QUERY EXECUTE
        'SELECT * FROM public.search_plate WHERE ' || condition || ' AND plate_fold ~ $1 LIMIT $2'
        USING pattern, most;
END
$$;

REVOKE ALL ON FUNCTION search_candidates FROM PUBLIC;
