-- Why a plan is not to be carried out; NULL if nothing prevents it.
CREATE OR REPLACE FUNCTION archive_stale(wanted uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked archive_plan;
    part archive_part;
    there bigint;
BEGIN
    SELECT * INTO asked FROM archive_plan WHERE plan = wanted;
    IF asked.planned_at < clock_timestamp() - interval '30 days' THEN
        RETURN 'it is older than 30 days';
    END IF;
    IF asked.holds <> ARRAY(SELECT id FROM archive_hold WHERE lifted_at IS NULL ORDER BY id) THEN
        RETURN 'a hold was placed or lifted since it was made';
    END IF;
    FOR part IN SELECT * FROM archive_part WHERE plan = wanted LOOP
        IF part.class <> 'held' AND NOT EXISTS (
            SELECT FROM archive_term WHERE class = part.class AND law = asked.law
            AND part.ends + kept_days * interval '24 hours' <= clock_timestamp()
        ) THEN
            RETURN 'the law or a term is another since it was made';
        END IF;
        IF part.class IN (SELECT class FROM archive_kind) THEN
            SELECT old.there INTO there FROM archive_old(part.class, part.ends) AS old;
        ELSIF to_regclass('public.custody_record' || archive_suffix(part.class, part.begins, part.ends)) IS NULL THEN
            RETURN 'a partition is gone since it was made';
        ELSE
            SELECT count(*) INTO there FROM custody_record
            WHERE class = part.class AND retained_from >= part.begins AND retained_from < part.ends;
        END IF;
        -- Single rows may go by themselves; and of what is held, a plan lets go what no hold holds by then.
        IF part.class <> 'held' AND there <> part.records
            AND (there > part.records OR part.class NOT IN (SELECT class FROM archive_kind))
        THEN
            RETURN 'the records are not those that were counted';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION archive_stale FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_stale TO platepost_web, platepost_purger;
