-- after: people_session_of, ledger_enter_each
-- Enters that a person is about to be shown entries of the list, with their plates, and returns the name of that entry of
-- the ledger: once it is committed, row security shows the covert entries that it lists (see `lists_opened`). Null where
-- there are none for that person. The database looks up who has the session of the pages and in which groups they are; a
-- program states the person. Covert: those with some numbers or of the same plates, or of one plate; all that are on the
-- list where neither is given. Otherwise: those with some numbers.
CREATE OR REPLACE FUNCTION lists_show(given text, program text, covert boolean, numbers bigint[], listed text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    who record;
    plates text[];
    open_plates json;
    covert_parts json;
BEGIN
    IF given IS NOT NULL OR coalesce(nullif(current_setting('role'), 'none'), session_user) = 'platepost_web' THEN
        SELECT live.login, live.groups INTO who FROM public.people_session_of(given) AS live
        WHERE live.roles && '{operator,dispatcher,supervisor,records_manager}';
    ELSE
        SELECT person.login::text, ARRAY(
            SELECT member."group"::text FROM public.people_covert AS member
            WHERE member.person_id = person.id AND member.left_at IS NULL
        ) AS groups INTO who FROM public.people_person AS person WHERE person.login = program;
    END IF;
    IF who.login IS NULL THEN
        RAISE EXCEPTION 'no person who may see the list is signed in by this session'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    plates := ARRAY(
        SELECT translate(entry.plate, 'OI', '01') FROM public.lists_entry AS entry
        WHERE entry.id = ANY (numbers) AND (entry.distribution IS NULL OR entry.distribution = ANY (who.groups))
    ) || translate(listed, 'OI', '01');
    SELECT coalesce(json_agg(part.plates) FILTER (WHERE part.distribution IS NULL) -> 0, '[]'),
        coalesce(json_object_agg(part.distribution, json_build_object('plates', part.plates, 'numbers', part.numbers))
            FILTER (WHERE part.distribution IS NOT NULL), '{}')
    INTO open_plates, covert_parts
    FROM (
        SELECT entry.distribution, json_agg(entry.plate ORDER BY entry.id) AS plates,
            json_agg(entry.id ORDER BY entry.id) AS numbers
        FROM public.lists_entry AS entry
        WHERE CASE
            WHEN NOT covert THEN entry.distribution IS NULL AND entry.id = ANY (numbers)
            WHEN entry.distribution = ANY (who.groups) THEN
                translate(entry.plate, 'OI', '01') = ANY (plates)
                OR numbers IS NULL AND listed IS NULL AND entry.ended_at IS NULL AND entry.expires_at > clock_timestamp()
            ELSE false
        END
        GROUP BY entry.distribution
    ) AS part;
    IF json_array_length(open_plates) = 0 AND covert_parts::text = '{}' THEN
        RETURN NULL;
    END IF;
    RETURN (public.ledger_enter_each('list_shown', ARRAY[NULL::uuid], json_build_array(json_build_object(
        'person', who.login, 'plates', open_plates, 'covert', covert_parts
    ))))[1];
END
$$;

REVOKE ALL ON FUNCTION lists_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_show TO platepost_web;
