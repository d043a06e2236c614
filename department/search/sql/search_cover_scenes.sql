-- after: custody_selected, ledger_cover, ledger_open, search_candidates
-- Covers plates that were at several scenes, those at most of them first: see `custody_cover_records`.
CREATE OR REPLACE FUNCTION search_cover_scenes(opened uuid, scenes jsonb, least_scenes integer, most integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    own text[] := public.ledger_cover(opened);
    parts text;
BEGIN
    SELECT string_agg(format('SELECT DISTINCT plate_fold, %s AS scene FROM ', scene.place)
        || public.custody_selected('read', scene.asked || '{"compared": true}', own), ' UNION ALL ') INTO parts
    FROM jsonb_array_elements(scenes) WITH ORDINALITY AS scene (asked, place);
    EXECUTE 'INSERT INTO public.ledger_covered (entry, plate) SELECT $1, plate_fold FROM (' || parts || ') AS at_scene'
        ' GROUP BY plate_fold HAVING count(*) >= $2 ORDER BY count(*) DESC, plate_fold LIMIT $3'
    USING opened, least_scenes, least(most, 1000);
END
$$;

REVOKE ALL ON FUNCTION search_cover_scenes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_cover_scenes TO platepost_web;
