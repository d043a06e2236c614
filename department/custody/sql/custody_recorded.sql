-- What people see, and every picture, belongs to a record. This refuses a row without one, to the owner and to a
-- superuser in the role of a replica as well: whoever plants a row must disable the trigger first, which `check` and
-- the service that signs checkpoints report. A row lies in the partition of the same class and time as its record, so
-- that the names of the two partitions differ by the table's name alone, and one index is read.
CREATE OR REPLACE FUNCTION custody_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The table's name, and the type of record that its rows are made of: none for pictures, which several have.
    parted text := TG_ARGV[0];
    wanted text := TG_ARGV[1];
    leaf text := 'custody_record' || substr(TG_TABLE_NAME, length(parted) + 1);
    recorded boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE id = $1'
        ' AND ($2 IS NULL OR type = $2 OR type = '''' AND constants IS NOT NULL AND $2 = ''platepost.read.v1''))', leaf)
    INTO recorded USING NEW.record_id, wanted;
    IF NOT recorded THEN
        RAISE EXCEPTION 'a row of % has no record', parted
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'custody_recorded';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION custody_recorded FROM PUBLIC;

DO $$
DECLARE
    projection record;
BEGIN
    FOR projection IN SELECT * FROM (VALUES
        ('custody_picture', NULL),
        ('custody_read', 'platepost.read.v1'),
        ('custody_hit', 'platepost.hit.v1'),
        ('custody_withdrawal', 'platepost.hit.withdrawn.v1'),
        ('custody_status', 'platepost.status.v1'),
        ('custody_audit', 'platepost.audit.v1'),
        ('custody_health', 'platepost.health.v1'),
        ('custody_access', 'platepost.audit.v1')
    ) AS projection (name, type) LOOP
        EXECUTE format(
            'CREATE TRIGGER custody_recorded AFTER INSERT OR UPDATE ON %I'
            ' FOR EACH ROW EXECUTE FUNCTION custody_recorded(%s)',
            projection.name, concat_ws(', ', quote_literal(projection.name), quote_literal(projection.type))
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER custody_recorded', projection.name);
    END LOOP;
END
$$;
