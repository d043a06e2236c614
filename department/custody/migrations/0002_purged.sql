-- What a purge leaves behind: the ends of what is gone, the counts, and records that outlive their partition.

-- The class `held` is never parted by time. A record moves there when its partition goes and somebody holds it, or when
-- others are judged by it: it names keys or losses.
DO $$
DECLARE
    parted record;
BEGIN
    FOR parted IN SELECT table_name FROM custody_parted LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES IN (''held'')', parted.table_name || '_held', parted.table_name
        );
    END LOOP;
END
$$;

-- Classes that are parted by the day.
CREATE TABLE custody_daily (
    class text COLLATE "C" PRIMARY KEY
);

-- Records that were purged, as runs that their own hashes join: with these the rest of a chain has no gap.
CREATE TABLE custody_purged (
    plan uuid NOT NULL,
    post text COLLATE "C" NOT NULL,
    chain text COLLATE "C" NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL CHECK (last >= first),
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    proven boolean NOT NULL,
    covert_group text,
    PRIMARY KEY (post, chain, proven, first, plan)
);
CREATE INDEX custody_purged_plan ON custody_purged (plan);

-- What was purged of the tally: with this the count of the records is that of all that ever came.
CREATE TABLE custody_purged_tally (
    post text COLLATE "C" NOT NULL,
    day date NOT NULL,
    type text NOT NULL,
    verdict text NOT NULL,
    covert_group text,
    count bigint NOT NULL,
    last_kept_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (post, day, type, verdict, covert_group)
);

-- One for what anybody may know, and one for each covert group of which something was purged.
CREATE TABLE custody_certificate (
    plan uuid NOT NULL,
    covert_group text,
    certificate text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (plan, covert_group)
);

-- As before, but for classes that are parted by the day: seven partitions a week, with a `d` before the day.
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

GRANT SELECT ON custody_purged, custody_certificate TO platepost_keeper, platepost_purger;
GRANT INSERT ON custody_certificate TO platepost_purger;
