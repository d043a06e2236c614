-- Gives and ends roles by the groups of an identity provider. The command line says which group is which role; the
-- pages say who is in what group, and can give no other role than these. The first role of a person waits for their
-- sponsor all the same.
CREATE OR REPLACE FUNCTION people_take_groups(subject bigint, provider text, groups text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    wanted text[] := ARRAY(SELECT map.role FROM public.people_provider_group AS map WHERE map.name = ANY (groups));
BEGIN
    UPDATE public.people_role SET ended_at = clock_timestamp()
    WHERE person_id = subject AND given_via = provider AND ended_at IS NULL AND role <> ALL (wanted);
    IF NOT EXISTS (SELECT FROM public.people_role AS held WHERE held.person_id = subject) THEN
        INSERT INTO public.people_request (id, person_id, kind, value, via, requested_at)
        SELECT DISTINCT gen_random_uuid(), subject, 'role', given, provider, clock_timestamp()
        FROM unnest(wanted) AS given WHERE NOT EXISTS (
            SELECT FROM public.people_request AS asked WHERE asked.person_id = subject AND asked.kind = 'role'
            AND asked.value = given AND (asked.decided_at IS NULL OR NOT asked.approved)
        );
        RETURN;
    END IF;
    INSERT INTO public.people_role (person_id, role, given_at, given_via)
    SELECT DISTINCT subject, given, clock_timestamp(), provider FROM unnest(wanted) AS given
    WHERE NOT EXISTS (
        SELECT FROM public.people_role AS held
        WHERE held.person_id = subject AND held.role = given AND held.ended_at IS NULL
    );
END
$$;

REVOKE ALL ON FUNCTION people_take_groups FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_take_groups TO platepost_web;
