-- With the last read of a plate its corrections go.
CREATE OR REPLACE FUNCTION search_forget_corrections() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM public.search_correction AS note WHERE NOT EXISTS (
        SELECT FROM public.custody_read AS stored WHERE stored.plate_fold = note.plate_fold
        AND stored.record_id = note.record_id AND stored.retained_from = note.retained_from
    );
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION search_forget_corrections FROM PUBLIC;

CREATE TRIGGER search_forget_corrections AFTER DELETE ON search_plate
    FOR EACH STATEMENT EXECUTE FUNCTION search_forget_corrections();
