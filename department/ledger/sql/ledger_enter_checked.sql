-- Enters what was checked (`ledger_check_each`): entries of one kind, in order; returns their names. Number, time, salts
-- and digest are the database's, so that whoever may append cannot choose them. The lock is held until the transaction
-- ends: a number that is rolled back is given again, and none is missing. No role calls this.
CREATE OR REPLACE FUNCTION ledger_enter_checked(event text, refers_to uuid[], fields json) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    line public.ledger_entry;
    lines public.ledger_entry[];
    bodies public.ledger_body[];
    entries uuid[] := ARRAY(SELECT gen_random_uuid() FROM json_array_elements(fields));
    named text;
    last_at timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(7528300157);
    SELECT last.number, last.digest, last.at INTO line.number, line.digest, last_at
    FROM public.ledger_entry AS last ORDER BY last.number DESC LIMIT 1;
    -- Time never runs back: where the clock was stepped back a little, the last entry's time is repeated; where it was
    -- stepped back by more, nothing can be entered until an administrator enters `clock_set_back`.
    IF last_at > clock_timestamp() + interval '1 minute' AND event <> 'clock_set_back' THEN
        RAISE EXCEPTION 'the last entry is dated %, after the database''s clock: set the clock, or enter that it was set'
            ' back with `platepost department ledger clock-set-back`', last_at USING ERRCODE = 'check_violation';
    END IF;
    line.event := event;
    line.class := (SELECT catalog.class FROM public.ledger_event AS catalog WHERE catalog.event = event);
    line.transaction := pg_current_xact_id();
    -- A few statements for all entries, not for each: a hit that twenty consoles are shown is forty entries.
    bodies := ARRAY(
        SELECT ROW(each.entry, member.key, uuid_send(gen_random_uuid()), member.value::text)::public.ledger_body
        FROM ROWS FROM (unnest(entries), json_array_elements(fields)) AS each (entry, entry_fields),
            json_each(each.entry_fields) AS member
    );
    FOR line.entry, line.refers_to, line.commitments, named IN
        SELECT each.entry, each.refers_to, coalesce(known.commitments, '{}'), coalesce(known.named, '')
        FROM ROWS FROM (unnest(entries), unnest(refers_to)) WITH ORDINALITY AS each (entry, refers_to, place)
        LEFT JOIN (
            SELECT body.entry, jsonb_object_agg(body.field, body.commitment) AS commitments,
                string_agg(format('"%s":"%s"', body.field, body.commitment), ',' ORDER BY body.field) AS named
            FROM (
                SELECT salted.entry, salted.field, encode(sha256(
                    salted.salt || convert_to(salted.field, 'UTF8') || '\x00' || convert_to(salted.value, 'UTF8')
                ), 'hex') AS commitment
                FROM unnest(bodies) AS salted OFFSET 0
            ) AS body GROUP BY body.entry
        ) AS known ON known.entry = each.entry
        ORDER BY each.place
    LOOP
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
    RETURN entries;
END
$$;

REVOKE ALL ON FUNCTION ledger_enter_checked FROM PUBLIC;
