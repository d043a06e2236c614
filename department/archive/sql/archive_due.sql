-- after: archive_due_whole
-- Parts whose term is over: partitions by their end, so by the youngest record that may lie in them; classes without
-- partitions as `archive_due_whole` says.
CREATE OR REPLACE VIEW archive_due AS
SELECT class, begins, begins + width AS ends, begins + make_interval(days => ceiling_days) < now() AS overdue
FROM (
    SELECT parts[1] AS class, parts[3]::timestamp AT TIME ZONE 'UTC' AS begins,
        CASE parts[2] WHEN 'd' THEN interval '24 hours' ELSE interval '168 hours' END AS width
    FROM pg_class, regexp_match(relname, '^custody_record_([a-z_]+)_(d?)(\d{8})$') AS parts
    WHERE relispartition AND relnamespace = 'public'::regnamespace AND parts IS NOT NULL
) AS parted JOIN archive_term USING (class)
WHERE begins + width + kept_days * interval '24 hours' <= now()
UNION ALL SELECT due_class, '-infinity', due_until, is_overdue FROM archive_due_whole();

GRANT SELECT ON archive_due TO platepost_web, platepost_auditor, platepost_purger;
