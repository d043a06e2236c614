-- Ends a session.
CREATE OR REPLACE FUNCTION people_end_session(given text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DELETE FROM public.people_session WHERE key = sha256(convert_to(given, 'UTF8'))
$$;

REVOKE ALL ON FUNCTION people_end_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_end_session TO platepost_web;
