-- Custody: verbatim records, their pictures, what is held of each chain, and the projections that people see.
--
-- Every table of records is parted by retention class, and within a class by the week, or the day, of `retained_from`,
-- the later of capture and custody, in UTC: a purge drops partitions. Records whose time is more than 31 days off the
-- custodian's clock are of the class `doubtful`, which no plan touches unreviewed.

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
    constants integer,  -- a record with it has no topic, no type and no key of its own
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
    body bytea,
    object uuid,  -- in the bucket, where the picture lies there
    PRIMARY KEY (record_id, class, retained_from, sha256, kind),
    CONSTRAINT custody_picture_lies CHECK (num_nonnulls(body, object) = 1)
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
    region_confidence double precision,
    camera text NOT NULL,
    site text,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    hits text[] NOT NULL,
    -- What people search by, as `platepost.department.custody.read_fields` declares it: in its order, and at the end.
    direction text NOT NULL,
    lane text,
    region text,
    vehicle text,
    color text
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
    dropped jsonb NOT NULL,
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

-- The class `held` is never parted by time, nor is `doubtful`. A record moves to `held` when its partition goes and
-- somebody holds it, or when others are judged by it: it names keys or losses.
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
        FOREACH class IN ARRAY '{doubtful,held}'::text[] LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%L)',
                parted.table_name || '_' || class, parted.table_name, class
            );
        END LOOP;
    END LOOP;
END
$$;
-- The number is unique within a partition. Partitions that are made later get this in `custody_make_partitions`.
CREATE UNIQUE INDEX custody_record_doubtful_number ON custody_record_doubtful (id);
CREATE UNIQUE INDEX custody_record_held_number ON custody_record_held (id);
CREATE UNIQUE INDEX custody_read_doubtful_number ON custody_read_doubtful (record_id);
CREATE UNIQUE INDEX custody_read_held_number ON custody_read_held (record_id);
-- That of chains is in `sql/custody_line.sql`.
CREATE INDEX custody_record_loose ON custody_record (post, digest) WHERE chain IS NULL;
CREATE INDEX custody_record_odd ON custody_record (post, verdict, id) WHERE verdict <> 'genuine';
-- Records that may name numbers or keys: read again whenever the keeper starts.
CREATE INDEX custody_record_names ON custody_record (post, id) WHERE names;
CREATE INDEX custody_record_kept ON custody_record USING brin (kept_at);
CREATE INDEX custody_read_plate ON custody_read (plate_fold, captured_at);
-- With the plate: which reads at a place fit a plate's beginning, no row has to tell.
CREATE INDEX custody_read_place ON custody_read (post, captured_at, plate_fold);
CREATE INDEX custody_hit_plate ON custody_hit (plate_fold, captured_at);
CREATE INDEX custody_hit_post ON custody_hit (post, captured_at);
CREATE INDEX custody_hit_name ON custody_hit (hit);
CREATE INDEX custody_withdrawal_name ON custody_withdrawal (hit);
CREATE INDEX custody_status_post ON custody_status (post, at);
CREATE INDEX custody_health_post ON custody_health (post, at);
CREATE INDEX custody_audit_post ON custody_audit (post, at);
CREATE INDEX custody_access_post ON custody_access (post, at);

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

-- What a post says in each of its reads stands here once, and not in each record.
CREATE TABLE custody_constants (
    number integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    topic text NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    parts bytea NOT NULL
);

-- Objects that no picture names: those that are being put, and those that a purge let go.
CREATE TABLE custody_unnamed_object (
    object uuid PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What a key signed after its end, and two persons admit all the same: see `custody_guard_admission`.
CREATE TABLE custody_admission (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    post text COLLATE "C" NOT NULL CHECK (octet_length(post) BETWEEN 1 AND 64),
    key text NOT NULL CHECK (octet_length(key) = 43),
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 1000),
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_by text,
    confirmed_at timestamptz,
    ended_by text,
    ended_at timestamptz,
    stolen boolean NOT NULL DEFAULT false,
    CONSTRAINT custody_admission_past CHECK (since < until AND until <= asked_at),
    CONSTRAINT custody_admission_second_person CHECK (confirmed_by <> asked_by),
    CHECK (num_nulls(confirmed_by, confirmed_at) IN (0, 2)),
    CHECK (num_nulls(ended_by, ended_at) IN (0, 2)),
    CHECK (NOT stolen OR ended_at IS NOT NULL)
);
ALTER TABLE custody_admission ENABLE ROW LEVEL SECURITY;
CREATE INDEX custody_admission_key ON custody_admission (post, key);
