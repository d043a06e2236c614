-- After reads of some weeks were purged: of the plates behind one, as many as that, forget the weeks in which none is
-- left, and the plates of which none is left at all; return the last plate, NULL at the end.
-- A page at a time: the keeper notes plates meanwhile, and waits for a page at most.
CREATE OR REPLACE FUNCTION search_forget(gone smallint[], behind text, most integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    upto text;
    stored jsonb;
BEGIN
    SELECT max(plate_fold) INTO upto FROM (
        SELECT plate_fold FROM public.search_plate WHERE plate_fold > behind ORDER BY plate_fold LIMIT most
    ) AS page;
    -- What is left of these weeks: hits, and what is held.
    SELECT coalesce(jsonb_object_agg(plate_fold, weeks), '{}') INTO stored FROM (
        SELECT plate_fold, array_agg(DISTINCT public.search_week(retained_from)) AS weeks FROM public.custody_read
        WHERE covert_group IS NULL AND plate_fold > behind AND plate_fold <= upto
        AND retained_from >= to_timestamp((SELECT min(week) FROM unnest(gone) AS week) * 604800::bigint + 345600)
        AND retained_from < to_timestamp((SELECT max(week) FROM unnest(gone) AS week) * 604800::bigint + 950400)
        AND public.search_week(retained_from) = ANY (gone)
        GROUP BY plate_fold
    ) AS remaining;
    PERFORM FROM public.search_plate WHERE plate_fold > behind AND plate_fold <= upto AND weeks && gone
    ORDER BY plate_fold FOR UPDATE;
    DELETE FROM public.search_plate
    WHERE plate_fold > behind AND plate_fold <= upto AND weeks <@ gone AND NOT stored ? plate_fold;
    UPDATE public.search_plate SET weeks = ARRAY(
        SELECT week FROM unnest(weeks) AS week
        WHERE week <> ALL (gone) OR coalesce(stored -> plate_fold, '[]') @> to_jsonb(week) ORDER BY week
    ) WHERE plate_fold > behind AND plate_fold <= upto AND weeks && gone;
    RETURN upto;
END
$$;

REVOKE ALL ON FUNCTION search_forget FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_forget TO platepost_purger;
