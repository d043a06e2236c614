-- Fails unless somebody has one of some roles now.
CREATE OR REPLACE FUNCTION audits_require(who text, roles text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.people_role AS held JOIN public.people_person AS person ON person.id = held.person_id
        WHERE person.login = who AND held.role = ANY (roles) AND held.ended_at IS NULL AND person.disabled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'this is for: %', array_to_string(roles, ', ')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audits_role';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION audits_require FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_require TO platepost_web;
