-- Gives auditors their access back whom a supervisor disabled for a day that is over.
CREATE OR REPLACE FUNCTION people_end_disabled() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.people_person SET disabled_at = NULL
WHERE disabled_at IS NOT NULL AND disabled_until <= clock_timestamp()
$$;

REVOKE ALL ON FUNCTION people_end_disabled FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_end_disabled TO platepost_web;
