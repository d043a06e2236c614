-- Custody: verbatim records, their pictures, what is held of each chain, and the projections that people see.
--
-- Every table of records is parted by retention class, and within a class by the week of `retained_from`, the later of
-- capture and custody, in UTC: a purge drops partitions. Records whose time is more than 31 days off the custodian's
-- clock are of the class `doubtful`, which no plan touches unreviewed.
--
-- Rights: the keeper inserts and reads. The web role reads by row security. Nobody updates or deletes a record.

CREATE SEQUENCE custody_record_id;

CREATE TABLE custody_record (
    id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    kept_at timestamptz NOT NULL,
    topic text NOT NULL,
    post text COLLATE "C" NOT NULL,
    chain text COLLATE "C",
    sequence bigint,
    digest bytea NOT NULL,
    previous bytea,
    type text NOT NULL,
    verdict text NOT NULL,
    key text,
    reason text NOT NULL,
    names boolean NOT NULL,
    covert_group text,
    codec smallint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (id, class, retained_from),
    CHECK (verdict IN ('genuine', 'foreign', 'forged', 'forked', 'unreadable', 'unknown')),
    CHECK (num_nulls(chain, sequence, previous) IN (0, 3)),
    CHECK (octet_length(digest) = 32)
) PARTITION BY LIST (class);
-- The body is compressed already.
ALTER TABLE custody_record ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE custody_picture (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    covert_group text,
    kind text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    sha256 bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (record_id, class, retained_from, sha256, kind)
) PARTITION BY LIST (class);
ALTER TABLE custody_picture ALTER COLUMN body SET STORAGE EXTERNAL;

-- Later judgments; of a record's, the one of the highest id counts.
CREATE TABLE custody_rejudged (
    id bigint NOT NULL DEFAULT nextval('custody_record_id'),
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    at timestamptz NOT NULL,
    verdict text NOT NULL,
    key text,
    reason text NOT NULL,
    covert_group text,
    PRIMARY KEY (record_id, id, class, retained_from),
    CHECK (verdict IN ('genuine', 'foreign', 'forged', 'forked', 'unreadable', 'unknown'))
) PARTITION BY LIST (class);

CREATE TABLE custody_read (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    passage text NOT NULL,
    captured_at timestamptz NOT NULL,
    plate_read text COLLATE "C" NOT NULL,
    plate_key text COLLATE "C" NOT NULL,
    plate_fold text COLLATE "C" NOT NULL,
    confidence double precision NOT NULL,
    region text,
    region_confidence double precision,
    direction text NOT NULL,
    camera text NOT NULL,
    lane text,
    site text,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    hits text[] NOT NULL,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

CREATE TABLE custody_hit (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    hit text NOT NULL,
    passage text NOT NULL,
    captured_at timestamptz NOT NULL,
    plate_read text COLLATE "C" NOT NULL,
    plate_key text COLLATE "C" NOT NULL,
    plate_fold text COLLATE "C" NOT NULL,
    plate_matched text COLLATE "C" NOT NULL,
    match text NOT NULL,
    category text NOT NULL,
    priority smallint NOT NULL,
    distribution text,
    list_version bigint,
    list_age double precision,
    hotlist_stale boolean NOT NULL,
    synthetic boolean NOT NULL,
    held boolean NOT NULL,
    state_agreement text NOT NULL,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

CREATE TABLE custody_withdrawal (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    hit text NOT NULL,
    passage text NOT NULL,
    at timestamptz NOT NULL,
    category text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

CREATE TABLE custody_status (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    at timestamptz NOT NULL,
    state text NOT NULL,
    since timestamptz NOT NULL,
    reasons text[] NOT NULL,
    software text NOT NULL,
    list_version bigint,
    list_age double precision,
    last_read timestamptz,
    synthetic_hit text,
    synthetic_made timestamptz,
    synthetic_every_minutes double precision,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

CREATE TABLE custody_audit (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    person text NOT NULL,
    outcome text NOT NULL,
    reason text,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

CREATE TABLE custody_health (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    at timestamptz NOT NULL,
    frame_rate double precision NOT NULL,
    queue_depth bigint NOT NULL,
    unreleased_seconds double precision,
    disk_free_bytes bigint,
    temperature_celsius double precision,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

-- Who looked at a post: stills, recordings, a technician's session.
CREATE TABLE custody_access (
    record_id bigint NOT NULL,
    class text NOT NULL,
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    person text NOT NULL,
    outcome text NOT NULL,
    object text,
    PRIMARY KEY (record_id, class, retained_from)
) PARTITION BY LIST (class);

-- Bookkeeping of the keeper, small; the fill factor lets an update stay on its page.
CREATE TABLE custody_holding (
    post text COLLATE "C" NOT NULL,
    chain text COLLATE "C" NOT NULL,
    covert_group text,
    runs jsonb NOT NULL,
    unproven jsonb NOT NULL,
    given_up jsonb NOT NULL,
    forks jsonb NOT NULL,
    PRIMARY KEY (post, chain)
) WITH (fillfactor = 50);

CREATE TABLE custody_tally (
    post text COLLATE "C" NOT NULL,
    day date NOT NULL,
    type text NOT NULL,
    verdict text NOT NULL,
    covert_group text,
    count bigint NOT NULL,
    last_kept_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (post, day, type, verdict, covert_group)
) WITH (fillfactor = 50);

-- Which classes each table of records has.
CREATE TABLE custody_parted (
    table_name text PRIMARY KEY,
    classes text[] NOT NULL
);
INSERT INTO custody_parted VALUES
    ('custody_record', '{no_hit,hit,log}'),
    ('custody_picture', '{no_hit,hit,log}'),
    ('custody_rejudged', '{no_hit,hit,log}'),
    ('custody_read', '{no_hit,hit}'),
    ('custody_hit', '{hit}'),
    ('custody_withdrawal', '{hit}'),
    ('custody_status', '{log}'),
    ('custody_audit', '{log}'),
    ('custody_health', '{log}'),
    ('custody_access', '{log}');

DO $$
DECLARE
    parted record;
    class text;
BEGIN
    FOR parted IN SELECT table_name, classes FROM custody_parted LOOP
        FOREACH class IN ARRAY parted.classes LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%L) PARTITION BY RANGE (retained_from)',
                parted.table_name || '_' || class, parted.table_name, class
            );
        END LOOP;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES IN (''doubtful'')',
            parted.table_name || '_doubtful', parted.table_name
        );
    END LOOP;
END
$$;

CREATE INDEX custody_record_chained ON custody_record (post, chain, sequence);
CREATE INDEX custody_record_loose ON custody_record (post, digest) WHERE chain IS NULL;
CREATE INDEX custody_record_odd ON custody_record (post, verdict, id) WHERE verdict <> 'genuine';
-- Records that may name numbers or keys: read again whenever the keeper starts.
CREATE INDEX custody_record_names ON custody_record (post, id) WHERE names;
CREATE INDEX custody_record_kept ON custody_record USING brin (kept_at);
CREATE INDEX custody_read_plate ON custody_read (plate_fold, captured_at);
CREATE INDEX custody_read_post ON custody_read (post, captured_at);
CREATE INDEX custody_read_captured ON custody_read USING brin (captured_at);
CREATE INDEX custody_hit_plate ON custody_hit (plate_fold, captured_at);
CREATE INDEX custody_hit_post ON custody_hit (post, captured_at);
CREATE INDEX custody_hit_name ON custody_hit (hit);
CREATE INDEX custody_withdrawal_name ON custody_withdrawal (hit);
CREATE INDEX custody_status_post ON custody_status (post, at);
CREATE INDEX custody_health_post ON custody_health (post, at);
CREATE INDEX custody_audit_post ON custody_audit (post, at);
CREATE INDEX custody_access_post ON custody_access (post, at);

-- The last judgment of each record.
CREATE VIEW custody_judged WITH (security_invoker = true) AS
SELECT
    r.id, r.class, r.retained_from, r.kept_at, r.topic, r.post, r.chain, r.sequence, r.digest, r.previous, r.type,
    coalesce(j.verdict, r.verdict) AS verdict,
    CASE WHEN j.verdict IS NULL THEN r.key ELSE j.key END AS key,
    coalesce(j.reason, r.reason) AS reason,
    r.names, r.covert_group, r.codec, r.body
FROM custody_record r
LEFT JOIN LATERAL (
    SELECT verdict, key, reason FROM custody_rejudged
    WHERE record_id = r.id AND class = r.class AND retained_from = r.retained_from
    ORDER BY id DESC LIMIT 1
) j ON true;

-- Make the partitions of the weeks from one day to another. A partition is made apart and attached, so that neither
-- reading nor writing waits.
CREATE FUNCTION custody_make_partitions(from_day date, to_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parted record;
    class text;
    week date;
    name text;
BEGIN
    IF to_day - from_day > 400 THEN
        RAISE EXCEPTION 'no more than 400 days at a time';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('custody_make_partitions'));
    FOR week IN SELECT generate_series(date_trunc('week', from_day::timestamp), to_day::timestamp, '1 week')::date LOOP
        FOR parted IN SELECT table_name, classes FROM custody_parted ORDER BY table_name LOOP
            FOREACH class IN ARRAY parted.classes LOOP
                name := parted.table_name || '_' || class || '_' || to_char(week, 'YYYYMMDD');
                CONTINUE WHEN to_regclass(format('public.%I', name)) IS NOT NULL;
                EXECUTE format(
                    'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                    name, parted.table_name
                );
                EXECUTE format(
                    'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    parted.table_name || '_' || class, name,
                    week::timestamp AT TIME ZONE 'UTC', (week + 7)::timestamp AT TIME ZONE 'UTC'
                );
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

-- Take a record's projections back whose last judgment is not that it is genuine. The keeper may do no more than that.
CREATE FUNCTION custody_retract(retracted bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    projection text;
    refuted bigint[] := ARRAY(
        SELECT record_id FROM (
            SELECT DISTINCT ON (record_id) record_id, verdict FROM custody_rejudged
            WHERE record_id = ANY (retracted) ORDER BY record_id, id DESC
        ) last WHERE verdict <> 'genuine'
    );
BEGIN
    FOR projection IN
        SELECT table_name FROM custody_parted
        WHERE table_name NOT IN ('custody_record', 'custody_picture', 'custody_rejudged')
    LOOP
        EXECUTE format('DELETE FROM %I WHERE record_id = ANY ($1)', projection) USING refuted;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION custody_make_partitions(date, date), custody_retract(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_make_partitions(date, date), custody_retract(bigint[]) TO platepost_keeper;

-- A batch is copied into temporary tables first: COPY does not go together with row security.
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO platepost_keeper', current_database());
END
$$;
GRANT USAGE, SELECT ON SEQUENCE custody_record_id TO platepost_keeper;
GRANT SELECT, INSERT ON
    custody_record, custody_picture, custody_rejudged, custody_read, custody_hit, custody_withdrawal, custody_status,
    custody_audit, custody_health, custody_access
TO platepost_keeper;
GRANT SELECT, INSERT, UPDATE ON custody_holding, custody_tally TO platepost_keeper;
GRANT SELECT ON custody_judged TO platepost_keeper, platepost_web;
GRANT SELECT ON
    custody_record, custody_picture, custody_rejudged, custody_read, custody_hit, custody_withdrawal, custody_status,
    custody_audit, custody_health, custody_access, custody_holding, custody_tally
TO platepost_web;
GRANT SELECT ON custody_holding, custody_tally TO platepost_auditor;

-- Row security. Records and what is projected of them are there only while a ledger entry is open, those of a covert
-- group for its members alone. The status page shows what names nobody, without an entry and without covert groups.
DO $$
DECLARE
    name text;
    open_without_entry text[] := '{custody_holding,custody_tally,custody_status,custody_health}';
BEGIN
    FOR name IN
        SELECT table_name FROM custody_parted UNION SELECT unnest('{custody_holding,custody_tally}'::text[])
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY keeper ON %I TO platepost_keeper USING (true) WITH CHECK (true)', name);
        EXECUTE format(
            'CREATE POLICY entry ON %I FOR SELECT TO platepost_web, platepost_auditor USING ((SELECT ledger_open())'
            ' AND (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[])))',
            name
        );
        IF name = ANY (open_without_entry) THEN
            EXECUTE format(
                'CREATE POLICY status ON %I FOR SELECT TO platepost_web, platepost_auditor USING (covert_group IS NULL)',
                name
            );
        END IF;
    END LOOP;
END
$$;
