-- The SQL of which reads or hits are asked for, from the table to the last condition, of those that an entry may show;
-- as `platepost.department.custody.reading.selected` makes it for the pages themselves. `asked` has the same names.
CREATE OR REPLACE FUNCTION custody_selected(source text, asked jsonb, own text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := ARRAY[format('(covert_group IS NULL OR covert_group = ANY (%L))', own)];
    bounds text[] := '{}';
    origin text := CASE source WHEN 'read' THEN 'public.custody_read' WHEN 'hit' THEN 'public.custody_hit' END;
    named record;
BEGIN
    FOR named IN
        SELECT * FROM jsonb_to_recordset('[
            {"member": "plates", "kind": "text[]", "condition": "plate_fold = ANY (%L::text[])"},
            {"member": "records", "kind": "bigint[]", "condition": "record_id = ANY (%L::bigint[])"},
            {"member": "posts", "kind": "text[]", "condition": "post = ANY (%L::text[])"}
        ]') AS known (member text, kind text, condition text) WHERE asked ? known.member
    LOOP
        parts := parts || format(named.condition, ARRAY(SELECT jsonb_array_elements_text(asked -> named.member)));
    END LOOP;
    -- By any column that a condition names: it can only narrow what is opened.
    FOR named IN
        SELECT * FROM jsonb_to_recordset(asked -> 'fields') AS given (name text, several boolean, choices text[])
    LOOP
        parts := parts || format(
            CASE WHEN named.several THEN 'string_to_array(%I, '' '') && %L::text[]' ELSE '%I = ANY (%L::text[])' END,
            named.name, named.choices);
    END LOOP;
    IF asked ? 'beginnings' THEN
        parts := parts || 'plate_fold >= low AND plate_fold < high'::text;
    END IF;
    IF asked ? 'matching' THEN
        parts := parts || format('plate_fold ~ %L', asked ->> 'matching');
    END IF;
    IF asked ? 'since' THEN
        parts := parts || format('captured_at >= %L', (asked ->> 'since')::timestamptz);
        bounds := bounds || format('retained_from >= %L', (asked ->> 'since')::timestamptz);
    END IF;
    IF asked ? 'until' THEN
        parts := parts || format('captured_at < %L', (asked ->> 'until')::timestamptz);
        bounds := bounds || format('retained_from < %L', (asked ->> 'until')::timestamptz + interval '31 days');
    END IF;
    IF asked ? 'kept_since' THEN
        parts := parts || format('retained_from >= %L', (asked ->> 'kept_since')::timestamptz);
    END IF;
    IF asked ? 'kept_until' THEN
        parts := parts || format('retained_from < %L', (asked ->> 'kept_until')::timestamptz);
    END IF;
    IF asked ? 'hours' THEN
        parts := parts || format('extract(hour FROM captured_at AT TIME ZONE %L)::int = ANY (%L::int[])',
            asked ->> 'zone', ARRAY(SELECT jsonb_array_elements_text(asked -> 'hours')));
    END IF;
    IF asked ? 'weekdays' THEN
        parts := parts || format('extract(isodow FROM captured_at AT TIME ZONE %L)::int = ANY (%L::int[])',
            asked ->> 'zone', ARRAY(SELECT jsonb_array_elements_text(asked -> 'weekdays')));
    END IF;
    IF asked ? 'before' THEN
        parts := parts || format('(captured_at, record_id) < (%L, %L)', (asked #>> '{before,0}')::timestamptz,
            (asked #>> '{before,1}')::bigint);
    END IF;
    IF asked ? 'compared' THEN  -- with one another, by their times, and by no group's
        parts := parts || '{"class <> ''doubtful''", "covert_group IS NULL"}'::text[];
    END IF;
    IF cardinality(bounds) > 0 THEN
        origin := format('(SELECT * FROM %s WHERE class <> ''doubtful'' AND %s UNION ALL'
            ' SELECT * FROM %s WHERE class = ''doubtful'') AS bounded', origin, array_to_string(bounds, ' AND '), origin);
    END IF;
    IF asked ? 'beginnings' THEN
        origin := format('unnest(%L::text[], %L::text[]) AS begun (low, high), ',
            ARRAY(SELECT jsonb_array_elements_text(asked #> '{beginnings,0}')),
            ARRAY(SELECT jsonb_array_elements_text(asked #> '{beginnings,1}'))) || origin;
    END IF;
    RETURN origin || ' WHERE ' || array_to_string(parts, ' AND ');
END
$$;

REVOKE ALL ON FUNCTION custody_selected FROM PUBLIC;
