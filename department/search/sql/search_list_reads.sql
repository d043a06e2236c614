-- Adds reads that a page lists to the session's search, so that they can be opened from it: see `search_query`.
CREATE OR REPLACE FUNCTION search_list_reads(asked uuid, whose text, more jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.search_query SET listed = listed || more
WHERE id = asked AND session = sha256(convert_to(whose, 'UTF8')) AND NOT listed @> more
$$;

REVOKE ALL ON FUNCTION search_list_reads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_list_reads TO platepost_web;
