-- Whatever inserts reads notes their plates in the same transaction, once a statement. A plate that was seen this week
-- costs a look-up. Covert reads are left out: the dictionary is one for all.
CREATE OR REPLACE FUNCTION search_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.search_plate AS known
    SELECT plate_fold, array_agg(DISTINCT public.search_week(retained_from))
    FROM new_reads WHERE covert_group IS NULL
    -- In one order, so that two keepers never wait for one another.
    GROUP BY plate_fold ORDER BY plate_fold
    ON CONFLICT (plate_fold) DO UPDATE
    SET weeks = ARRAY(SELECT DISTINCT week FROM unnest(known.weeks || excluded.weeks) AS week ORDER BY week)
    WHERE NOT known.weeks @> excluded.weeks;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION search_note FROM PUBLIC;

CREATE TRIGGER search_note AFTER INSERT ON custody_read REFERENCING NEW TABLE AS new_reads
    FOR EACH STATEMENT EXECUTE FUNCTION search_note();
