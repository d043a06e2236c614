-- Fails unless somebody has one of some roles, or if it is about themselves. The pages act as platepost_web and name
-- who asks. The command line acts as the owner, and needs to name nobody.
CREATE OR REPLACE FUNCTION people_require(who bigint, subject bigint, roles text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_user IN ('platepost_web', 'platepost_command') AND NOT EXISTS (
        SELECT FROM public.people_role AS held JOIN public.people_person AS person ON person.id = held.person_id
        WHERE held.person_id = who AND held.role = ANY (roles) AND held.ended_at IS NULL AND person.disabled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'this needs one of these roles: %', array_to_string(roles, ', ')
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF who = subject THEN
        RAISE EXCEPTION 'no one changes their own rights' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION people_require FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_require TO platepost_web;
