-- after: lists_in_force
-- How many partial plates posts are to carry, of all groups: there is room for so many.
CREATE OR REPLACE FUNCTION lists_patterns() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT count(*) FROM public.lists_in_force WHERE plate ~ '[?*]'
$$;

REVOKE ALL ON FUNCTION lists_patterns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_patterns TO platepost_web;
