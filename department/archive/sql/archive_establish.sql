-- Have a law bind the department: the days for which reads are kept at least and at most decide those of each class. The
-- terms are the shortest that it allows, and longer ones stay as far as it allows.
CREATE OR REPLACE FUNCTION archive_establish(wanted text, least_days integer, most_days integer) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed integer;
BEGIN
    SET CONSTRAINTS archive_lawful DEFERRED;
    INSERT INTO archive_law (law, class, floor_days, ceiling_days)
    SELECT wanted, class, least_days, most_days
    FROM unnest('{no_hit,hit,doubtful,list_entry,lookback}'::text[]) AS class
    -- Work of a case has a plate in it, and goes as the reads do. Last week's backup must exist; an old one keeps what
    -- was purged, so none outlives a year, or the reads' ceiling.
    UNION ALL VALUES
        (wanted, 'saved_work', least(30, most_days / 2), most_days),
        (wanted, 'backup', CASE WHEN most_days > 366 THEN 30 ELSE least(7, most_days / 3) END, least(366, most_days))
    -- What posts say of themselves, and who saw and did what: a year at least (CJIS AU-11), whatever the law says.
    UNION ALL SELECT wanted, class, 366, 36525
    FROM unnest('{log,ledger_access,ledger_rights,decision,training,training_noted}'::text[]) AS class
    ON CONFLICT (law, class) DO UPDATE SET floor_days = excluded.floor_days, ceiling_days = excluded.ceiling_days;
    INSERT INTO archive_term (class, law, floor_days, ceiling_days, kept_days)
    SELECT class, law, floor_days, ceiling_days,
        CASE WHEN ceiling_days < 120 THEN ceiling_days - 1 ELSE floor_days END
    FROM archive_law WHERE law = wanted
    ON CONFLICT (class) DO UPDATE SET law = excluded.law, floor_days = excluded.floor_days,
        ceiling_days = excluded.ceiling_days, kept_days = greatest(excluded.floor_days, least(
            archive_term.kept_days,
            excluded.ceiling_days - CASE WHEN excluded.ceiling_days < 120 THEN 1 ELSE 7 END
        ))
    WHERE (archive_term.law, archive_term.floor_days, archive_term.ceiling_days)
        <> (excluded.law, excluded.floor_days, excluded.ceiling_days);
    GET DIAGNOSTICS changed = ROW_COUNT;
    SET CONSTRAINTS archive_lawful IMMEDIATE;
    DELETE FROM custody_daily;
    INSERT INTO custody_daily SELECT class FROM archive_term WHERE ceiling_days < 120 AND class <> 'doubtful';
    RETURN changed > 0;
END
$$;

REVOKE ALL ON FUNCTION archive_establish FROM PUBLIC;
