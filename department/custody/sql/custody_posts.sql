-- The posts of which there are records, but covert ones. Each costs a look into an index, however many days are counted.
CREATE OR REPLACE FUNCTION custody_posts() RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH RECURSIVE named AS (
    SELECT min(post) AS post FROM public.custody_tally WHERE covert_group IS NULL
    UNION ALL
    SELECT (SELECT min(post) FROM public.custody_tally WHERE covert_group IS NULL AND post > named.post)
    FROM named WHERE named.post IS NOT NULL
)
SELECT post FROM named WHERE post IS NOT NULL
$$;

REVOKE ALL ON FUNCTION custody_posts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_posts TO platepost_web;
