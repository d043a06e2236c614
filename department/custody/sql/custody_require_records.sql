-- Has a table of what people see, or a partition of one, refuse rows without a record: see `custody_recorded`. Does
-- nothing for other tables. A partition does not inherit a trigger that runs once a statement, and whoever inserts into
-- the partition by its own name meets the partition's.
CREATE OR REPLACE FUNCTION custody_require_records(part regclass, parted text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    types jsonb := '{
        "custody_picture": "",
        "custody_read": "platepost.read.v1",
        "custody_hit": "platepost.hit.v1",
        "custody_withdrawal": "platepost.hit.withdrawn.v1",
        "custody_status": "platepost.status.v1",
        "custody_audit": "platepost.audit.v1",
        "custody_health": "platepost.health.v1",
        "custody_access": "platepost.audit.v1"
    }';
    made record;
BEGIN
    FOR made IN
        SELECT * FROM (VALUES ('custody_recorded', 'INSERT'), ('custody_still_recorded', 'UPDATE')) AS each (name, event)
        WHERE types ? parted
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %I AFTER %s ON %s REFERENCING NEW TABLE AS added'
            ' FOR EACH STATEMENT EXECUTE FUNCTION public.custody_recorded(%L)',
            made.name, made.event, part, types ->> parted
        );
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', part, made.name);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION custody_require_records FROM PUBLIC;
