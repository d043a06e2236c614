-- Makes entries of one kind, in order: of each its fields, and what it refers to, if entries of this kind refer to
-- anything. `ledger_append_each` and `ledger_begin` ask who may enter them; no role calls this. Number, time, salts and
-- digest are the database's, so that whoever may append cannot choose them. The lock is held until the transaction
-- ends: a number that is rolled back is given again, and none is missing. Whoever enters something alone sets
-- `synchronous_commit` in the same statement, and calls `ledger_flush` before going on.
CREATE OR REPLACE FUNCTION ledger_enter_each(event text, refers_to uuid[], fields json) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    line public.ledger_entry;
    lines public.ledger_entry[];
    bodies public.ledger_body[];
    added public.ledger_body[];
    kind public.ledger_event;
    entry_fields json;
    named text;
    last_at timestamptz;
BEGIN
    SELECT * INTO kind FROM public.ledger_event AS catalog WHERE catalog.event = event;
    IF kind.event IS NULL THEN
        RAISE EXCEPTION 'no event of the ledger: %', event USING ERRCODE = 'check_violation';
    END IF;
    -- By whatever function: who answers partner departments opens records for a query of one alone, and none of a covert
    -- group (see `ledger_guard_behalf`), and begins no session of the pages.
    IF session_user = 'platepost_federation' AND (event IN ('log_intent', 'list_shown', 'log_on') OR event = 'intent' AND (
        SELECT bool_or(
            (item -> 'query')::jsonb ? 'exchange' IS NOT TRUE OR item ->> 'on_behalf_of' IS NULL
            OR (item -> 'groups')::jsonb <> '[]'
        ) FROM json_array_elements(fields) AS asked (item)
    )) THEN
        RAISE EXCEPTION 'only a query of a partner department opens records here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    line.event := event;
    line.class := kind.class;
    line.transaction := pg_current_xact_id();
    IF event IN ('shown', 'failed') THEN
        -- First: whoever is covering more under the entry ends, and the chain does not wait for that.
        PERFORM pg_advisory_xact_lock(hashtextextended(closing::text, 7528300159))
        FROM unnest(refers_to) AS closing ORDER BY closing;
    END IF;
    PERFORM pg_advisory_xact_lock(7528300157);
    SELECT last.number, last.digest, last.at INTO line.number, line.digest, last_at
    FROM public.ledger_entry AS last ORDER BY last.number DESC LIMIT 1;
    -- Time never runs back: where the clock was stepped back a little, the last entry's time is repeated; where it was
    -- stepped back by more, nothing can be entered until an administrator enters `clock_set_back`.
    IF last_at > clock_timestamp() + interval '1 minute' AND event <> 'clock_set_back' THEN
        RAISE EXCEPTION 'the last entry is dated %, after the database''s clock: set the clock, or enter that it was set'
            ' back with `platepost department ledger clock-set-back`', last_at USING ERRCODE = 'check_violation';
    END IF;

    FOR line.refers_to, entry_fields IN
        SELECT given.refers_to, given.entry_fields FROM ROWS FROM (unnest(refers_to), json_array_elements(fields))
            WITH ORDINALITY AS given (refers_to, entry_fields, place) ORDER BY given.place
    LOOP
        IF NOT ARRAY(SELECT json_object_keys(entry_fields)) @> kind.carries THEN
            RAISE EXCEPTION '% carries %', event, kind.carries USING ERRCODE = 'check_violation';
        END IF;
        IF (cardinality(kind.refers_to) > 0) <> (line.refers_to IS NOT NULL) OR (
            line.refers_to IS NOT NULL AND NOT EXISTS (
                SELECT FROM public.ledger_entry AS before
                WHERE before.entry = line.refers_to AND before.event = ANY (kind.refers_to)
            )
        ) THEN
            RAISE EXCEPTION '% refers to %', event, kind.refers_to USING ERRCODE = 'check_violation';
        END IF;
        PERFORM public.ledger_check(event, line.refers_to, entry_fields);
        IF event IN ('shown', 'failed') THEN
            entry_fields := public.ledger_all_shown(line.refers_to, entry_fields);
        END IF;

        line.entry := gen_random_uuid();
        SELECT array_agg(ROW(line.entry, body.field, body.salt, body.value)::public.ledger_body),
            coalesce(jsonb_object_agg(body.field, body.commitment), '{}'),
            coalesce(string_agg(format('"%s":"%s"', body.field, body.commitment), ',' ORDER BY body.field), '')
        INTO added, line.commitments, named
        FROM (
            SELECT salted.*, encode(sha256(
                salted.salt || convert_to(salted.field, 'UTF8') || '\x00' || convert_to(salted.value, 'UTF8')
            ), 'hex') AS commitment
            FROM (
                SELECT key AS field, value::text AS value, uuid_send(gen_random_uuid()) AS salt
                FROM json_each(entry_fields) OFFSET 0
            ) AS salted OFFSET 0
        ) AS body;
        bodies := bodies || added;
        IF event = 'intent' THEN
            PERFORM public.ledger_cover_asked(line.entry, entry_fields);
        END IF;
        line.number := coalesce(line.number, 0) + 1;
        line.previous := coalesce(line.digest, decode(repeat('00', 32), 'hex'));
        line.at := CASE event WHEN 'clock_set_back' THEN clock_timestamp() ELSE greatest(clock_timestamp(), last_at) END;
        last_at := line.at;
        -- RFC 8785 by hand: members in order, and nothing in the values that needs an escape.
        line.digest := sha256(convert_to(format(
            '{"at":"%s","class":"%s","commitments":{%s},"entry":"%s","event":"%s","number":%s,"previous":"%s","refers_to":%s}',
            to_char(line.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), line.class, named, line.entry, event,
            line.number, encode(line.previous, 'hex'), coalesce('"' || line.refers_to || '"', 'null')
        ), 'UTF8'));
        lines := lines || line;
    END LOOP;
    INSERT INTO public.ledger_entry SELECT entry_line.* FROM unnest(lines) AS entry_line;
    INSERT INTO public.ledger_body SELECT body.* FROM unnest(bodies) AS body;
    RETURN ARRAY(SELECT entry_line.entry FROM unnest(lines) WITH ORDINALITY AS entry_line ORDER BY entry_line.ordinality);
END
$$;

REVOKE ALL ON FUNCTION ledger_enter_each FROM PUBLIC;
