-- Alerts: what the department makes of a hit.
--
-- The keeper's hits make alerts, by a trigger. Nobody changes an alert: whoever acts adds a step, and the trigger of
-- the steps checks it, by the table of transitions, and brings the alert up to it. An alert has no plate and no
-- picture: those are the hit's, and are read under an open entry of the ledger.

-- Filled from `platepost.department.alerts.states` whenever Django migrates.
CREATE TABLE alerts_transition (
    step text COLLATE "C" NOT NULL,
    from_state text COLLATE "C" NOT NULL,
    to_state text COLLATE "C" NOT NULL,
    near_state text COLLATE "C" NOT NULL,  -- where it leads of a match that needs a second person
    roles text[] NOT NULL,
    certifications text[] NOT NULL,
    topics text[] NOT NULL,
    PRIMARY KEY (step, from_state)
);

CREATE TABLE alerts_alert (
    record_id bigint PRIMARY KEY,  -- of the hit
    retained_from timestamptz NOT NULL,
    post text COLLATE "C" NOT NULL,
    covert_group text,
    hit text COLLATE "C" NOT NULL,
    captured_at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    category text NOT NULL,
    priority smallint NOT NULL,
    match text NOT NULL,
    list_version bigint,
    list_age double precision,
    hotlist_stale boolean NOT NULL,
    held boolean NOT NULL,
    second_needed boolean NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'new',
    revision integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL,
    holder text,
    offered_to text,
    eye_by text,
    eye_at timestamptz,
    second_by text,
    substitute text,
    substitute_at timestamptz,
    reviewed_by text,
    reviewed_at timestamptz,
    reject_reason text,
    upheld_by text,  -- the supervisor who checked the rejection, or the disputed withdrawal
    upheld_at timestamptz,
    system text,
    system_at timestamptz,
    outcome text,
    withdrawn_because text,
    withdrawn_at timestamptz,
    withdrawn_from text,  -- how far it had come
    meanwhile text,
    disputed_by text,  -- who found the listed plate in the picture, though the post reads another one now
    disputed_at timestamptz,
    previous_id bigint,  -- the alert before it of the same text, entry and group: another hit of one vehicle
    answered_with bigint,  -- the alert whose decision answered this repeat, too
    answered_as text,  -- what that had come to
    list_sources text[] NOT NULL DEFAULT '{}',  -- who had its entry listed: entries leave the list, and imports change
    CONSTRAINT alerts_state CHECK (state IN (
        'new', 'taken', 'waiting', 'confirmed', 'rejected', 'actionable', 'closed', 'withdrawn', 'accounted',
        'repeated'
    )),
    CONSTRAINT alerts_held CHECK (
        state NOT IN ('taken', 'waiting', 'confirmed', 'actionable', 'closed') OR holder IS NOT NULL
    ),
    CONSTRAINT alerts_eye CHECK (
        num_nulls(eye_by, eye_at) IN (0, 2)
        AND (state NOT IN ('waiting', 'confirmed', 'actionable', 'closed') OR eye_by IS NOT NULL)
    ),
    CONSTRAINT alerts_second CHECK (
        second_by <> eye_by AND second_by IS NOT NULL OR second_by IS NULL
    ),
    CONSTRAINT alerts_near CHECK (
        NOT second_needed OR state NOT IN ('confirmed', 'actionable', 'closed')
        OR second_by IS NOT NULL OR substitute IS NOT NULL
    ),
    CONSTRAINT alerts_system CHECK (
        num_nulls(system, system_at) IN (0, 2) AND system IN ('active', 'not_practical', 'cleared')
        AND (state NOT IN ('actionable', 'closed') OR system IS NOT NULL AND system <> 'cleared')
    ),
    CONSTRAINT alerts_reviewed CHECK (
        num_nulls(substitute, substitute_at) IN (0, 2) AND num_nulls(reviewed_by, reviewed_at) IN (0, 2)
        AND (reviewed_by IS NULL OR substitute IS NOT NULL AND reviewed_by <> eye_by)
    ),
    CONSTRAINT alerts_rejected CHECK (
        (state = 'rejected') <= (reject_reason IS NOT NULL)
        AND reject_reason IN ('misread', 'other_state', 'other_vehicle', 'illegible', 'stale_entry')
    ),
    CONSTRAINT alerts_upheld CHECK (
        num_nulls(upheld_by, upheld_at) IN (0, 2)
        AND (upheld_by IS NULL OR state = 'rejected' OR disputed_by IS NOT NULL)
    ),
    CONSTRAINT alerts_outcome CHECK (
        (state = 'closed') <= (outcome IS NOT NULL)
        AND outcome IN ('stop', 'recovered', 'arrest', 'nothing', 'wrong_person')
    ),
    CONSTRAINT alerts_repeated CHECK (
        (state = 'repeated') = (answered_with IS NOT NULL) AND (state = 'repeated') = (answered_as IS NOT NULL)
        AND answered_as IN ('rejected', 'closed')
    ),
    CONSTRAINT alerts_withdrawn CHECK (
        (state IN ('withdrawn', 'accounted')) = (withdrawn_at IS NOT NULL)
        AND num_nulls(withdrawn_at, withdrawn_because, withdrawn_from) IN (0, 3)
        AND (state = 'accounted') = (meanwhile IS NOT NULL)
        AND meanwhile IN ('nothing', 'units_sent', 'stop', 'arrest')
    ),
    CONSTRAINT alerts_disputed CHECK (
        num_nulls(disputed_by, disputed_at) IN (0, 2)
        AND (disputed_by IS NULL OR withdrawn_because IS NOT DISTINCT FROM 'text_changed')
    )
);
CREATE INDEX alerts_alert_open ON alerts_alert (arrived_at) 
    WHERE state NOT IN ('rejected', 'closed', 'accounted', 'repeated');
CREATE INDEX alerts_alert_hit ON alerts_alert (hit);
CREATE INDEX alerts_alert_changed ON alerts_alert (changed_at);
CREATE INDEX alerts_alert_captured ON alerts_alert (captured_at);
CREATE INDEX alerts_alert_substitute ON alerts_alert (substitute_at)
    WHERE substitute IS NOT NULL AND reviewed_by IS NULL;
-- What a supervisor has to check: see `alerts_do_step`.
CREATE INDEX alerts_alert_unchecked ON alerts_alert (changed_at)
    WHERE upheld_by IS NULL AND (state = 'rejected' AND priority = 1 OR disputed_by IS NOT NULL);

CREATE TABLE alerts_step (
    record_id bigint NOT NULL REFERENCES alerts_alert ON DELETE CASCADE,
    revision integer NOT NULL,  -- of the alert as it was when somebody decided
    step text COLLATE "C" NOT NULL,
    person text,  -- none where the program withdraws by what a post says
    at timestamptz NOT NULL,
    state text COLLATE "C" NOT NULL,  -- afterwards
    covert_group text,
    reason text,
    note text,  -- as `alerts_plain` has it
    characters text CONSTRAINT alerts_characters CHECK (characters ~ '^[sdi]{1,48}$'),
    pairs text[] NOT NULL DEFAULT '{}'  -- each what was read and what it is, side by side
        CONSTRAINT alerts_pairs CHECK (array_to_string(pairs, ' ') ~ '^([A-Z0-9]{2}( |$))*$'),
    plate_state text CONSTRAINT alerts_plate_state
        CHECK (plate_state IN ('same', 'other', 'not_listed', 'cannot_tell')),
    vehicle text CONSTRAINT alerts_vehicle CHECK (vehicle IN ('same', 'other', 'not_listed', 'cannot_tell')),
    to_person text,
    with_record bigint,  -- of a repeat: the alert that was decided
    by_program boolean NOT NULL DEFAULT false,
    PRIMARY KEY (record_id, revision)
);

-- Who has looked at the lists, and how new the newest was then.
CREATE TABLE alerts_acknowledgment (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    person text NOT NULL,
    at timestamptz NOT NULL,
    list_version bigint
);
CREATE INDEX alerts_acknowledgment_person ON alerts_acknowledgment (person, at);

-- What is to be told at the broker, by the keeper.
CREATE TABLE alerts_decision (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    record_id bigint NOT NULL REFERENCES alerts_alert ON DELETE CASCADE,
    covert_group text,
    post text COLLATE "C" NOT NULL,
    hit text NOT NULL,
    number integer NOT NULL,  -- of decisions about one hit the higher counts
    at timestamptz NOT NULL,
    decision text NOT NULL,
    reason text,
    published_at timestamptz
);
CREATE INDEX alerts_decision_waiting ON alerts_decision (id) WHERE published_at IS NULL;

-- Agencies that are told of decisions by webhook, and which of them were told of what.
CREATE TABLE alerts_webhook (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    agency text COLLATE "C" NOT NULL,  -- of the register: whom that does not allow is told nothing
    url text NOT NULL CONSTRAINT alerts_webhook_url CHECK (
        url ~ '^https://[^\s/?#@]+(/\S*)?$' OR url ~ '^http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/\S*)?$'
    ),
    certificate text CONSTRAINT alerts_webhook_certificate CHECK (certificate IS NULL OR url ~ '^https:'),
    -- PEM: by which its receiver is known; it has plates by mutual TLS, and without a certificate none
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    failures integer NOT NULL DEFAULT 0,  -- one after the other
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text NOT NULL DEFAULT '',
    lists boolean NOT NULL DEFAULT false,  -- whether it is sent that a hot list is held, too
    list_held bigint  -- the request of the held list that it was sent last, until it was sent the end
);

CREATE TABLE alerts_delivery (
    webhook_id bigint NOT NULL REFERENCES alerts_webhook,
    decision_id bigint NOT NULL REFERENCES alerts_decision ON DELETE CASCADE,
    over_at timestamptz,
    delivered boolean CONSTRAINT alerts_delivery_over CHECK ((delivered IS NULL) = (over_at IS NULL)),  -- or given up
    PRIMARY KEY (webhook_id, decision_id)
);
CREATE INDEX alerts_delivery_waiting ON alerts_delivery (decision_id) WHERE over_at IS NULL;

-- Random reads of each post and week, and what people see in them who do not know what was read.
CREATE TABLE alerts_sample (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    week date NOT NULL,  -- its Monday, where the department is
    post text COLLATE "C" NOT NULL,
    record_id bigint NOT NULL UNIQUE,
    gone boolean NOT NULL DEFAULT false  -- purged before two people agreed on it
);
CREATE INDEX alerts_sample_week ON alerts_sample (week);

CREATE TABLE alerts_label (
    sample_id bigint NOT NULL REFERENCES alerts_sample,
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    verdict text NOT NULL CHECK (verdict IN ('right', 'wrong', 'illegible')),  -- no plate: what it says of the read
    PRIMARY KEY (sample_id, person)
);

-- Alerts that were deleted with their hits, for a month's public count. Every time zone's months begin with a quarter
-- of an hour.
CREATE TABLE alerts_forgotten (
    at timestamptz NOT NULL,  -- the quarter of an hour in which the hits were captured
    state text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (at, state)
);
