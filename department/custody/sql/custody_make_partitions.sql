-- Makes the partitions of the weeks from one day to another; for classes that are partitioned by the day seven a week,
-- with a `d` before the day. A partition is made apart and attached, so that neither reading nor writing waits. That of
-- records, and that of reads, has its own index of numbers; that of chains comes with the table's.
CREATE OR REPLACE FUNCTION custody_make_partitions(from_day date, to_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parted record;
    kept_class text;
    week date;
    day date;
    width integer;
    base text;
    name text;
BEGIN
    IF to_day - from_day > 400 THEN
        RAISE EXCEPTION 'no more than 400 days at a time';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('custody_make_partitions'));
    FOR week IN SELECT generate_series(date_trunc('week', from_day::timestamp), to_day::timestamp, '1 week')::date LOOP
        FOR parted IN SELECT table_name, classes FROM custody_parted ORDER BY table_name LOOP
            FOREACH kept_class IN ARRAY parted.classes LOOP
                base := parted.table_name || '_' || kept_class || '_';
                CONTINUE WHEN to_regclass(format('public.%I', base || to_char(week, 'YYYYMMDD'))) IS NOT NULL;
                width := CASE WHEN EXISTS (SELECT FROM custody_daily AS daily WHERE daily.class = kept_class)
                    OR to_regclass(format('public.%I', base || 'd' || to_char(week + 6, 'YYYYMMDD'))) IS NOT NULL
                    THEN 1 ELSE 7 END;
                FOR day IN SELECT generate_series(week, week + 6, width * interval '1 day')::date LOOP
                    name := base || CASE width WHEN 1 THEN 'd' ELSE '' END || to_char(day, 'YYYYMMDD');
                    CONTINUE WHEN to_regclass(format('public.%I', name)) IS NOT NULL;
                    EXECUTE format(
                        'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                        name, parted.table_name
                    );
                    IF parted.table_name IN ('custody_record', 'custody_read') THEN
                        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (%I)', name || '_number', name,
                            CASE parted.table_name WHEN 'custody_record' THEN 'id' ELSE 'record_id' END);
                    END IF;
                    PERFORM public.custody_require_records(format('public.%I', name)::regclass, parted.table_name);
                    EXECUTE format(
                        'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                        parted.table_name || '_' || kept_class, name,
                        day::timestamp AT TIME ZONE 'UTC', (day + width)::timestamp AT TIME ZONE 'UTC'
                    );
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION custody_make_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_make_partitions TO platepost_keeper;
