-- Have a law bind the department; its terms are the shortest that it allows, and longer ones stay as far as it allows.
CREATE OR REPLACE FUNCTION archive_establish(wanted text) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed integer;
BEGIN
    INSERT INTO archive_term (class, law, floor_days, ceiling_days, kept_days)
    SELECT class, law, floor_days, ceiling_days,
        CASE WHEN ceiling_days < 120 THEN ceiling_days - 1 ELSE floor_days END
    FROM archive_law WHERE law = wanted
    ON CONFLICT (class) DO UPDATE SET law = excluded.law, floor_days = excluded.floor_days,
        ceiling_days = excluded.ceiling_days, kept_days = greatest(excluded.floor_days, least(
            archive_term.kept_days,
            excluded.ceiling_days - CASE WHEN excluded.ceiling_days < 120 THEN 1 ELSE 7 END
        ))
    WHERE archive_term.law <> excluded.law;
    GET DIAGNOSTICS changed = ROW_COUNT;
    DELETE FROM custody_daily;
    INSERT INTO custody_daily SELECT class FROM archive_term WHERE ceiling_days < 120 AND class <> 'doubtful';
    RETURN changed > 0;
END
$$;

REVOKE ALL ON FUNCTION archive_establish FROM PUBLIC;
