-- The ledger: entries, their bodies, the law, and the agencies on whose behalf may be searched.

-- The catalog of events: what each carries, refers to, and who may enter it. It is filled in from
-- `platepost.department.ledger.catalog` whenever Django migrates, as is how long classes stay.
CREATE TABLE ledger_event (
    event text COLLATE "C" PRIMARY KEY,
    class text COLLATE "C" NOT NULL,
    carries text[] NOT NULL DEFAULT '{}',
    refers_to text[] NOT NULL DEFAULT '{}',
    writers text[] NOT NULL DEFAULT '{}',
    CHECK (event ~ '^[a-z_]+$' AND class ~ '^[a-z_]+$')
);

CREATE TABLE ledger_entry (
    number bigint PRIMARY KEY CHECK (number >= 1),
    entry uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    event text COLLATE "C" NOT NULL REFERENCES ledger_event,
    class text COLLATE "C" NOT NULL,
    refers_to uuid REFERENCES ledger_entry (entry),
    commitments jsonb NOT NULL,
    previous bytea NOT NULL CHECK (length(previous) = 32),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    -- Not part of the chain: tells a committed entry from one of the transaction that reads.
    transaction xid8 NOT NULL
);
CREATE INDEX ledger_entry_erased ON ledger_entry (number) WHERE event = 'erased';
-- What refers to an intent need not close it; it is closed once.
CREATE UNIQUE INDEX ledger_entry_closes ON ledger_entry (refers_to) WHERE event IN ('shown', 'failed');
CREATE UNIQUE INDEX ledger_entry_reviews ON ledger_entry (refers_to) WHERE event = 'exigent_reviewed';
CREATE INDEX ledger_entry_reads ON ledger_entry (number) WHERE event IN ('reads_granted', 'reads_ended');
CREATE UNIQUE INDEX ledger_entry_approves ON ledger_entry (refers_to) WHERE event = 'search_approved';
CREATE INDEX ledger_entry_approved ON ledger_entry (at) WHERE event = 'search_approved';
CREATE INDEX ledger_entry_law ON ledger_entry (number) WHERE event = 'law_changed';
CREATE INDEX ledger_entry_at ON ledger_entry USING brin (at);

CREATE TABLE ledger_body (
    entry uuid NOT NULL REFERENCES ledger_entry (entry),
    field text COLLATE "C" NOT NULL CHECK (field ~ '^[a-z][a-z_]{0,39}$'),
    salt bytea NOT NULL CHECK (length(salt) = 16),
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (entry, field)
);
CREATE INDEX ledger_body_exigent ON ledger_body (entry) WHERE field = 'exigent' AND value = 'true';

-- Hashes of the Merkle trees behind checkpoints: of whole blocks of 256 leaves, and above: `ledger.tree`.
CREATE TABLE ledger_node (
    tree text COLLATE "C" NOT NULL CHECK (tree IN ('entries', 'records')),
    level smallint NOT NULL CHECK (level >= 8),
    place bigint NOT NULL CHECK (place >= 0),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    last bigint NOT NULL,  -- the number of the last entry below it, or the id of the last record
    PRIMARY KEY (tree, level, place)
);

-- Where checkpoints went last, by destination: one row for each that the settings name.
CREATE TABLE ledger_sent (
    destination text PRIMARY KEY,
    head text,  -- the last that arrived
    at timestamptz,  -- when it did
    error text NOT NULL DEFAULT ''  -- why a later one did not
);

-- The department itself, as the folder's settings name it: days of agreements begin and end where it is.
CREATE TABLE ledger_department (
    agency text COLLATE "C" PRIMARY KEY,
    timezone text NOT NULL DEFAULT 'UTC'
);
CREATE UNIQUE INDEX ledger_department_one ON ledger_department ((true));
INSERT INTO ledger_department VALUES ('department');

-- The law that binds the department, as department/policy/laws.toml and the policy file have it; 36525 days is no
-- ceiling.
CREATE TABLE ledger_law (
    law text COLLATE "C" PRIMARY KEY CHECK (law ~ '^[a-z][a-z_]{0,39}$'),
    state text COLLATE "C" NOT NULL CHECK (state ~ '^[A-Z]{2}$'),
    in_state_only boolean NOT NULL,
    approves_searches boolean NOT NULL,
    floor_days integer NOT NULL CHECK (floor_days >= 0),
    ceiling_days integer NOT NULL CHECK (ceiling_days > floor_days),
    UNIQUE (state, in_state_only)
);
CREATE UNIQUE INDEX ledger_law_one ON ledger_law ((true));
INSERT INTO ledger_law VALUES ('california', 'CA', true, false, 366, 36525);

-- A grant to any but a public agency of the state is impossible while the law forbids it: the table of agencies has the
-- law's state and rule in each row, and a change of the law changes all rows, or none. An agency is of the state if its
-- ORI, the identifier that NCIC gives it, begins with the state and the three digits of a county or a state agency; a
-- federal agency has letters there. A second person confirms the ORI and the kind.
CREATE TABLE ledger_agency (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('in_state', 'federal', 'out_of_state', 'private')),
    allowed boolean NOT NULL,
    note text NOT NULL,
    ori text COLLATE "C" NOT NULL DEFAULT '',
    title text NOT NULL DEFAULT '',  -- its full name, for people
    entered_by text COLLATE "C",
    confirmed_by text COLLATE "C",
    confirmed_at timestamptz,
    state text COLLATE "C" NOT NULL,
    in_state_only boolean NOT NULL,
    FOREIGN KEY (state, in_state_only) REFERENCES ledger_law (state, in_state_only) ON UPDATE CASCADE,
    UNIQUE (name, kind, in_state_only),
    CONSTRAINT ledger_agency_in_state CHECK (NOT allowed OR kind = 'in_state' OR NOT in_state_only),
    CONSTRAINT ledger_agency_ori CHECK (ori = '' OR ori ~ '^[A-Z]{2}[0-9A-Z]{7}$'),
    CONSTRAINT ledger_agency_of_the_state CHECK (kind <> 'in_state' OR ori ~ ('^' || state || '[0-9]{3}')),
    CONSTRAINT ledger_agency_second_person CHECK (
        num_nulls(confirmed_by, confirmed_at) IN (0, 2) AND lower(confirmed_by) <> lower(entered_by)
    )
);
CREATE UNIQUE INDEX ledger_agency_one_ori ON ledger_agency (ori) WHERE ori <> '';

-- How long bodies stay. A class that is not in the table never ends.
CREATE TABLE ledger_class (
    class text COLLATE "C" PRIMARY KEY,
    least interval NOT NULL
);

-- Agreements for whoever hears every read at the broker.
CREATE TABLE ledger_agreement (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    reader text COLLATE "C" NOT NULL,
    says text NOT NULL CHECK (says <> ''),
    until date NOT NULL,
    agreed_by text COLLATE "C" NOT NULL,
    agreed_at timestamptz NOT NULL DEFAULT now(),
    confirmed_by text COLLATE "C",
    confirmed_at timestamptz,
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)),
    CONSTRAINT ledger_agreement_second_person CHECK (confirmed_by <> agreed_by)
);

-- On whose behalf may be searched: who checked an agency, and what was agreed, with an end. An agreement names its
-- agency's kind and the law's rule, and both are enforced: no change of either leaves a grant behind that the law forbids.
-- There is no grant to all.
CREATE TABLE ledger_verification (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    agency text COLLATE "C" NOT NULL REFERENCES ledger_agency,
    says text NOT NULL CHECK (says <> ''),  -- what was checked, and how
    until date NOT NULL,
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ledger_sharing (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    agency text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    in_state_only boolean NOT NULL,
    says text NOT NULL CHECK (says <> ''),  -- where it lies in writing
    purposes text[] NOT NULL CHECK (cardinality(purposes) > 0),
    scope text[] NOT NULL CHECK (cardinality(scope) > 0 AND scope <@ '{search,release,query}'),
    begins date NOT NULL,
    ends date NOT NULL,
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    ended_by text COLLATE "C",
    ended_at timestamptz,
    confirmed_by text COLLATE "C",
    confirmed_at timestamptz,
    per_hour integer,  -- of `query`: its people may ask by their own department's server, so many times an hour
    FOREIGN KEY (agency, kind, in_state_only) REFERENCES ledger_agency (name, kind, in_state_only) ON UPDATE CASCADE,
    CONSTRAINT sharing_in_state CHECK (kind = 'in_state' OR NOT in_state_only OR ended_at IS NOT NULL),
    CONSTRAINT sharing_second_person CHECK (
        num_nulls(confirmed_by, confirmed_at) IN (0, 2) AND lower(confirmed_by) <> lower(person)
    ),
    CONSTRAINT sharing_ends CHECK (ends - begins BETWEEN 0 AND 1096),
    CONSTRAINT sharing_rate CHECK (
        ('query' = ANY (scope)) = (per_hour IS NOT NULL) AND per_hour BETWEEN 1 AND 3600
    ),
    CHECK (num_nulls(ended_by, ended_at) IN (0, 2))
);

-- What each open entry opens, until it is closed: plates, records by their number, and entries of the ledger by theirs.
-- `shown` is made from this.
CREATE TABLE ledger_covered (
    entry uuid NOT NULL,
    plate text COLLATE "C",
    record bigint,
    number bigint,
    compared boolean NOT NULL DEFAULT false,  -- of a plate: its text alone, to find those that fit best
    covert_group text COLLATE "C",  -- whose matter it is that this was looked at
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- What is covered opens nothing before it is committed.
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CHECK (num_nonnulls(plate, record, number) = 1)
);
CREATE INDEX ledger_covered_entry ON ledger_covered (entry);
