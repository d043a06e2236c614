-- after: people_session_of
-- The covert groups of the person who has the session of the pages, and of the person for whom a program works.
CREATE OR REPLACE FUNCTION lists_groups() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE coalesce(nullif(current_setting('role'), 'none'), session_user)
    WHEN 'platepost_web'
    THEN (SELECT live.groups FROM public.people_session_of(current_setting('platepost.session', true)) AS live)
    ELSE (
        SELECT array_agg(member."group"::text)
        FROM public.people_covert AS member JOIN public.people_person AS person ON person.id = member.person_id
        WHERE person.login = current_setting('platepost.person', true) AND member.left_at IS NULL
    )
END
$$;

REVOKE ALL ON FUNCTION lists_groups FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_groups TO platepost_web;
