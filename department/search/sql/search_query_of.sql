-- Returns a search of a session. Of another session's it returns only that it is one, for the log.
CREATE OR REPLACE FUNCTION search_query_of(
    asked uuid, whose text, OUT made_at timestamptz, OUT given jsonb, OUT opens jsonb, OUT is_foreign boolean
) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT at, CASE WHEN own THEN fields END, CASE WHEN own THEN listed END, NOT own
FROM (
    SELECT at, fields, listed, session = sha256(convert_to(whose, 'UTF8')) AS own FROM public.search_query
    WHERE id = asked AND at > now() - interval '12 hours'
) AS stored
$$;

REVOKE ALL ON FUNCTION search_query_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_query_of TO platepost_web;
