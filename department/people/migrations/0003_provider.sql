-- Roles by an identity provider's groups. The command line says which group is which role; the pages say who is in what
-- group, and can give no other role than these.
ALTER TABLE people_provider_group ADD CHECK (role NOT IN ('administrator', 'auditor'));

CREATE FUNCTION people_take_groups(subject bigint, provider text, groups text[]) RETURNS void
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
CREATE TRIGGER people_mapped AFTER INSERT ON people_provider_group
    FOR EACH ROW EXECUTE FUNCTION people_note('group_mapped');
CREATE TRIGGER people_unmapped AFTER DELETE ON people_provider_group
    FOR EACH ROW EXECUTE FUNCTION people_note('group_unmapped');
REVOKE ALL ON FUNCTION people_take_groups(bigint, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_take_groups(bigint, text, text[]) TO platepost_web;
GRANT SELECT ON people_provider_group TO platepost_auditor;
