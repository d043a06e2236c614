-- after: custody_require_records
-- What people see, and every picture, belongs to a record. This refuses rows without one, to the owner and to a
-- superuser in the role of a replica as well: whoever plants a row must disable the trigger first, which `check` and
-- the service that signs checkpoints report. A row has the class and the time of its record. The argument is the type of
-- the record; it is empty for pictures, which several types have.
--
-- Once a statement, by class, and planned with the times as constants: so only the partitions in question are opened.
CREATE OR REPLACE FUNCTION custody_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    wanted text := TG_ARGV[0];
    part record;
BEGIN
    FOR part IN
        SELECT added.class, min(added.retained_from) AS first, max(added.retained_from) AS last FROM added GROUP BY 1
    LOOP
        IF EXISTS (
            SELECT FROM added WHERE added.class = part.class AND NOT EXISTS (
                SELECT FROM public.custody_record AS known WHERE known.id = added.record_id AND known.class = part.class
                AND known.retained_from = added.retained_from
                AND known.retained_from >= part.first AND known.retained_from <= part.last
                AND (wanted IN ('', known.type)
                    OR known.type = '' AND known.constants IS NOT NULL AND wanted = 'platepost.read.v1')
            )
        ) THEN
            RAISE EXCEPTION 'a row of % has no record', TG_TABLE_NAME
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'custody_recorded';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION custody_recorded FROM PUBLIC;

DO $$
BEGIN
    PERFORM public.custody_require_records(part.relid, parted.table_name)
    FROM public.custody_parted AS parted, pg_partition_tree(('public.' || parted.table_name)::regclass) AS part;
END
$$;
