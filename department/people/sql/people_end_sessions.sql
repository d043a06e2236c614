-- Ends all sessions of a person, as when the identity provider reports that they left; returns how many there were. The
-- pages find no session by its person, and need not: whoever ends one shows nothing.
CREATE OR REPLACE FUNCTION people_end_sessions(subject bigint) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    -- As `platepost.department.people.sessions` stores their keys.
    DELETE FROM public.django_session WHERE session_key IN (
        SELECT left(encode(live.key, 'hex'), 40) FROM public.people_session AS live WHERE live.person_id = subject
    );
    DELETE FROM public.people_session WHERE person_id = subject;
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended;
END
$$;

REVOKE ALL ON FUNCTION people_end_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_end_sessions TO platepost_web;
