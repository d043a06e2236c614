-- Gives and ends roles by the groups of an identity provider. The command line says which group is which role; the
-- pages say who is in what group, and can give no other role than these.
CREATE OR REPLACE FUNCTION people_take_groups(subject bigint, provider text, groups text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    wanted text[] := ARRAY(SELECT map.role FROM public.people_provider_group AS map WHERE map.name = ANY (groups));
BEGIN
    UPDATE public.people_role SET ended_at = clock_timestamp()
    WHERE person_id = subject AND given_via = provider AND ended_at IS NULL AND role <> ALL (wanted);
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
