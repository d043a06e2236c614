-- after: people_session_of
-- Stores what a session searches for, by an identifier. Whose session it is, the database says itself. False where the
-- identifier is taken.
CREATE OR REPLACE FUNCTION search_keep_query(stored uuid, whose text, given jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.search_query WHERE at < now() - interval '12 hours';
    INSERT INTO public.search_query (id, session, person, fields)
    SELECT stored, sha256(convert_to(whose, 'UTF8')), live.login, given
    FROM public.people_session_of(whose) AS live ON CONFLICT (id) DO NOTHING;
    RETURN FOUND;
END
$$;

REVOKE ALL ON FUNCTION search_keep_query FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_keep_query TO platepost_web;
