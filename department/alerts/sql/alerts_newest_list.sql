-- The newest list that any post has said it has.
CREATE OR REPLACE FUNCTION alerts_newest_list() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT max(list_version) FROM (
    SELECT DISTINCT ON (post) list_version FROM public.custody_status
    WHERE covert_group IS NULL AND class = 'log' AND retained_from > now() - interval '31 days' ORDER BY post, at DESC
) AS status
$$;

REVOKE ALL ON FUNCTION alerts_newest_list FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_newest_list TO platepost_web;
