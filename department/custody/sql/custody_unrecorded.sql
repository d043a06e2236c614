-- after: custody_tables
-- Rows that people see, pictures, and later judgments whose record does not exist, from a time of retention on: the
-- table and the id, and nothing of what they say. For `verify`, and for the service that signs checkpoints.
CREATE OR REPLACE FUNCTION custody_unrecorded(since timestamptz, most integer)
RETURNS TABLE (table_name text, record_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_partitionwise_join = on AS $$
#variable_conflict use_column
DECLARE
    name text;
BEGIN
    FOR name IN SELECT parted.table_name FROM custody_parted AS parted
        WHERE parted.table_name <> 'custody_record' ORDER BY 1
    LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %1$L::text, projected.record_id FROM %1$I AS projected LEFT JOIN custody_record AS known ON known.id ='
            ' projected.record_id AND known.class = projected.class AND known.retained_from = projected.retained_from'
            ' WHERE known.id IS NULL AND projected.retained_from >= $1 ORDER BY 2 LIMIT $2', name
        ) USING since, most;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION custody_unrecorded FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_unrecorded TO platepost_keeper;
