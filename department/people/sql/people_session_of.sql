-- Who has a session that is live, with their roles and covert groups as they are now; no row otherwise. In PL/pgSQL, so
-- that it is planned once a session: of each hit, each console's person is looked up.
CREATE OR REPLACE FUNCTION people_session_of(given text)
RETURNS TABLE (login text, agency text, roles text[], groups text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT person.login::text, person.agency::text, ARRAY(
        SELECT held.role::text FROM public.people_role AS held
        WHERE held.person_id = person.id AND held.ended_at IS NULL ORDER BY held.role
    ), ARRAY(
        SELECT joined."group"::text FROM public.people_covert AS joined
        WHERE joined.person_id = person.id AND joined.left_at IS NULL ORDER BY joined."group"
    )
    FROM public.people_session AS live JOIN public.people_person AS person ON person.id = live.person_id
    WHERE live.key = sha256(convert_to(given, 'UTF8')) AND live.began_at > clock_timestamp() - interval '12 hours'
    AND person.disabled_at IS NULL;
END
$$;

REVOKE ALL ON FUNCTION people_session_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_session_of TO platepost_web;
