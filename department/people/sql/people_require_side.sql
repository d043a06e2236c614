-- Fails where a role would give somebody duties that are apart. As `SIDES` in rights.py.
CREATE OR REPLACE FUNCTION people_require_side(subject bigint, wanted text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.people_role AS held WHERE held.person_id = subject AND held.ended_at IS NULL
        AND held.role <> wanted
        AND (held.role IN ('administrator', 'auditor') OR wanted IN ('administrator', 'auditor'))
    ) THEN
        RAISE EXCEPTION 'duties are apart: administrators and auditors have no other role'
            USING ERRCODE = 'check_violation';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION people_require_side FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_require_side TO platepost_web;
