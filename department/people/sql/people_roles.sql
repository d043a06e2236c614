-- The roles that somebody has now, by log-in; none of a person who is disabled or not known here. In PL/pgSQL,
-- so that it is planned once a session.
CREATE OR REPLACE FUNCTION people_roles(who text) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(DISTINCT held.role::text), '{}')
        FROM public.people_role AS held JOIN public.people_person AS person ON person.id = held.person_id
        WHERE person.login = who AND held.ended_at IS NULL AND person.disabled_at IS NULL
    );
END
$$;

REVOKE ALL ON FUNCTION people_roles FROM PUBLIC;
