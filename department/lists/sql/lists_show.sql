-- after: people_session_of, ledger_enter_each
-- Enters that a person is about to be shown entries of the list, with their plates, and returns the name of that entry of
-- the ledger: once it is committed, row security shows the entries that it lists (see `lists_opened`). Null where there
-- are none for that person. The database looks up who has the session of the pages and in which groups they are; a
-- program states the person. With `page`: those of a page of the list, so many that wait for a second person, and so many
-- and one more that are in force, with numbers below `before`. Without: those with some numbers, or of the same plates,
-- and those of a plate.
CREATE OR REPLACE FUNCTION lists_show(
    given text, program text, numbers bigint[], listed text, page integer, before bigint
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    who record;
    opened bigint[];
    fields json;
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
    IF page IS NOT NULL THEN
        opened := ARRAY(
            SELECT waiting.id FROM public.lists_entry AS waiting
            WHERE (waiting.distribution IS NULL OR waiting.distribution = ANY (who.groups))
            AND waiting.ended_at IS NULL AND waiting.expires_at > clock_timestamp()
            AND waiting.second_person AND waiting.approved_at IS NULL
            ORDER BY waiting.id DESC LIMIT least(page, 1000)
        ) || ARRAY(
            SELECT active.id FROM public.lists_in_force AS active
            WHERE (active.distribution IS NULL OR active.distribution = ANY (who.groups))
            AND (before IS NULL OR active.id < before)
            ORDER BY active.id DESC LIMIT least(page, 1000) + 1
        );
    ELSE
        opened := ARRAY(
            SELECT entry.id FROM public.lists_entry AS entry
            WHERE (entry.distribution IS NULL OR entry.distribution = ANY (who.groups))
            AND translate(entry.plate, 'OI', '01') = ANY (ARRAY(
                SELECT translate(asked.plate, 'OI', '01') FROM public.lists_entry AS asked
                WHERE asked.id = ANY (numbers) AND (asked.distribution IS NULL OR asked.distribution = ANY (who.groups))
            ) || translate(listed, 'OI', '01'))
        );
    END IF;
    SELECT json_build_object(
        'person', who.login,
        'plates', coalesce(json_agg(part.plates) FILTER (WHERE part.distribution IS NULL) -> 0, '[]'),
        'numbers', coalesce(json_agg(part.numbers) FILTER (WHERE part.distribution IS NULL) -> 0, '[]'),
        'covert', coalesce(
            json_object_agg(part.distribution, json_build_object('plates', part.plates, 'numbers', part.numbers))
                FILTER (WHERE part.distribution IS NOT NULL), '{}')
    ) INTO fields FROM (
        SELECT entry.distribution, json_agg(entry.plate ORDER BY entry.id) AS plates,
            json_agg(entry.id ORDER BY entry.id) AS numbers
        FROM public.lists_entry AS entry WHERE entry.id = ANY (opened) GROUP BY entry.distribution
    ) AS part;
    IF cardinality(opened) = 0 THEN
        RETURN NULL;
    END IF;
    RETURN (public.ledger_enter_each('list_shown', ARRAY[NULL::uuid], json_build_array(fields)))[1];
END
$$;

REVOKE ALL ON FUNCTION lists_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_show TO platepost_web;
