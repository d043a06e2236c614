-- The covert groups of the person for whom the pages work.
CREATE OR REPLACE FUNCTION lists_groups() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(array_agg(member."group"::text), '{}')
FROM public.people_covert AS member JOIN public.people_person AS person ON person.id = member.person_id
WHERE person.login = current_setting('platepost.person', true) AND member.left_at IS NULL
$$;

REVOKE ALL ON FUNCTION lists_groups FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_groups TO platepost_web;
