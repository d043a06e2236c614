-- Whether somebody has one of some roles, and certificates and training that count. For how long training counts is the
-- department's setting: the service checks that.
CREATE OR REPLACE FUNCTION alerts_current(who text, wanted_roles text[], certifications text[], topics text[])
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.people_person AS person WHERE person.login = who AND person.disabled_at IS NULL
    AND greatest(person.active_from, person.last_login) > clock_timestamp() - interval '90 days'
    AND EXISTS (
        SELECT FROM public.people_role AS held
        WHERE held.person_id = person.id AND held.ended_at IS NULL AND held.role = ANY (wanted_roles)
    )
    AND certifications <@ ARRAY(
        SELECT last.certification::text FROM (
            SELECT DISTINCT ON (certification) certification, expires_at FROM public.people_certificate
            WHERE person_id = person.id ORDER BY certification, noted_at DESC, id DESC
        ) AS last WHERE last.expires_at > clock_timestamp()
    )
    AND topics <@ ARRAY(
        SELECT last.topic::text FROM (
            SELECT DISTINCT ON (topic) topic, passed FROM public.people_training
            WHERE person_id = person.id ORDER BY topic, held_at DESC, id DESC
        ) AS last WHERE last.passed
    )
)
$$;

REVOKE ALL ON FUNCTION alerts_current FROM PUBLIC;
