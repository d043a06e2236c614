-- The fields of `shown`, with all that the entry covered and they leave out. What was covered is forgotten then.
CREATE OR REPLACE FUNCTION ledger_all_shown(closing uuid, fields json) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown jsonb := fields::jsonb;
    part record;
    place text[];
    more jsonb;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- By an older snapshot, what others have covered or closed since would not be seen.
        RAISE EXCEPTION 'this needs the isolation level READ COMMITTED' USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOR part IN
        SELECT covered.covert_group, CASE WHEN covered.record IS NOT NULL THEN 'records'
            WHEN covered.number IS NOT NULL THEN 'entries' WHEN covered.compared THEN 'compared' ELSE 'plates' END AS field,
            jsonb_agg(DISTINCT coalesce(to_jsonb(covered.plate), to_jsonb(covered.record), to_jsonb(covered.number)))
                AS all_of_it
        FROM public.ledger_covered AS covered WHERE covered.entry = closing GROUP BY 1, 2 ORDER BY 1, 2
    LOOP
        place := CASE WHEN part.covert_group IS NULL THEN ARRAY[part.field]
            ELSE ARRAY['covert', part.covert_group, part.field] END;
        -- Whatever the fields are, they have room for it.
        IF part.covert_group IS NOT NULL THEN
            IF (jsonb_typeof(shown -> 'covert') = 'object') IS NOT TRUE THEN
                shown := jsonb_set(shown, '{covert}', '{}');
            END IF;
            IF (jsonb_typeof(shown #> ARRAY['covert', part.covert_group]) = 'object') IS NOT TRUE THEN
                shown := jsonb_set(shown, ARRAY['covert', part.covert_group], '{"records": [], "pictures": []}');
            END IF;
        END IF;
        IF (jsonb_typeof(shown #> place) = 'array') IS NOT TRUE THEN
            shown := jsonb_set(shown, place, '[]');
        END IF;
        SELECT jsonb_agg(each ORDER BY each) INTO more FROM (
            SELECT jsonb_array_elements(part.all_of_it) EXCEPT SELECT jsonb_array_elements(shown #> place)
        ) AS lacking (each);
        CONTINUE WHEN more IS NULL;
        shown := jsonb_set(shown, place, (shown #> place) || more);
    END LOOP;
    DELETE FROM public.ledger_covered WHERE entry = closing;
    RETURN CASE WHEN shown = fields::jsonb THEN fields ELSE shown::json END;
END
$$;

REVOKE ALL ON FUNCTION ledger_all_shown FROM PUBLIC;
