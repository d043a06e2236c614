-- Deletes a person's own saved search.
CREATE OR REPLACE FUNCTION search_discard(discarded uuid, who text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DELETE FROM public.search_saved WHERE id = discarded AND person = who
$$;

REVOKE ALL ON FUNCTION search_discard FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_discard TO platepost_web;
