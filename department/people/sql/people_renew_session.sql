-- A session goes on by another key.
CREATE OR REPLACE FUNCTION people_renew_session(former text, given text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.people_session SET key = sha256(convert_to(given, 'UTF8'))
WHERE key = sha256(convert_to(former, 'UTF8'))
$$;

REVOKE ALL ON FUNCTION people_renew_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_renew_session TO platepost_web;
