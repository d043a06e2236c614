-- Alerts: what the department makes of a hit. Every rule stands here; what the services refuse, they refuse because this
-- does.
--
-- The keeper's hits make alerts, by a trigger. Nobody changes an alert: whoever acts adds a step, and the trigger of the
-- steps checks it, by the table of transitions, and brings the alert up to it. An alert has no plate and no picture:
-- those are the hit's, and are read under an open entry of the ledger.

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
    system text,
    system_at timestamptz,
    outcome text,
    withdrawn_because text,
    withdrawn_at timestamptz,
    withdrawn_from text,  -- how far it had come
    meanwhile text,
    CONSTRAINT alerts_state CHECK (state IN (
        'new', 'taken', 'waiting', 'confirmed', 'rejected', 'actionable', 'closed', 'withdrawn', 'accounted'
    )),
    CONSTRAINT alerts_held CHECK (state NOT IN ('taken', 'waiting', 'confirmed', 'actionable', 'closed') OR holder IS NOT NULL),
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
    CONSTRAINT alerts_outcome CHECK (
        (state = 'closed') <= (outcome IS NOT NULL)
        AND outcome IN ('stop', 'recovered', 'arrest', 'nothing', 'wrong_person')
    ),
    CONSTRAINT alerts_withdrawn CHECK (
        (state IN ('withdrawn', 'accounted')) = (withdrawn_at IS NOT NULL)
        AND num_nulls(withdrawn_at, withdrawn_because, withdrawn_from) IN (0, 3)
        AND (state = 'accounted') = (meanwhile IS NOT NULL)
        AND meanwhile IN ('nothing', 'units_sent', 'stop', 'arrest')
    )
);
CREATE INDEX alerts_alert_open ON alerts_alert (arrived_at) WHERE state NOT IN ('rejected', 'closed', 'accounted');
CREATE INDEX alerts_alert_hit ON alerts_alert (hit);
CREATE INDEX alerts_alert_captured ON alerts_alert (captured_at);
CREATE INDEX alerts_alert_substitute ON alerts_alert (substitute_at) WHERE substitute IS NOT NULL AND reviewed_by IS NULL;

-- Of the state's system no text is kept, outcome and time only. So a note has nothing in it that a return has: codes
-- with a slash or a colon, numbers, plates, identification numbers.
CREATE FUNCTION alerts_plain(note text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT note ~ '\S' AND length(note) <= 160 AND note !~ '[[:cntrl:]]' AND note !~ '[/:=;|<>]' AND note !~ '[0-9]{4}'
    AND note !~ '[[:alpha:]][0-9]|[0-9][[:alpha:]]'
    AND note !~* '\m(vin|lic|dob|oca|ori|fcn|nic|oln|sid|fbi|regis|registered owner|date of birth|caution)\M'
$$;

CREATE TABLE alerts_step (
    record_id bigint NOT NULL REFERENCES alerts_alert ON DELETE CASCADE,
    revision integer NOT NULL,  -- of the alert as it was when somebody decided
    step text COLLATE "C" NOT NULL,
    person text,  -- none where the program withdraws by what a post says
    at timestamptz NOT NULL,
    state text COLLATE "C" NOT NULL,  -- afterwards
    covert_group text,
    reason text,
    note text CONSTRAINT alerts_note CHECK (alerts_plain(note)),
    characters text CONSTRAINT alerts_characters CHECK (characters ~ '^[sdi]{1,48}$'),
    pairs text[] NOT NULL DEFAULT '{}'  -- each what was read and what it is, side by side
        CONSTRAINT alerts_pairs CHECK (array_to_string(pairs, ' ') ~ '^([A-Z0-9]{2}( |$))*$'),
    plate_state text CONSTRAINT alerts_plate_state CHECK (plate_state IN ('same', 'other', 'not_listed', 'cannot_tell')),
    vehicle text CONSTRAINT alerts_vehicle CHECK (vehicle IN ('same', 'other', 'not_listed', 'cannot_tell')),
    to_person text,
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

CREATE FUNCTION alerts_refuse(rule text, because text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%', because USING ERRCODE = 'check_violation', CONSTRAINT = rule;
END
$$;

-- Whether somebody has one of some roles, and certificates and training that count. For how long training counts is the
-- department's setting: that the service asks.
CREATE FUNCTION alerts_current(who text, wanted_roles text[], certifications text[], topics text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.people_person AS person WHERE person.login = who AND person.disabled_at IS NULL
    AND greatest(person.active_from, person.last_login) > clock_timestamp() - interval '90 days'
    AND EXISTS (
        SELECT FROM public.people_role AS held
        WHERE held.person_id = person.id AND held.ended_at IS NULL AND held.role = ANY (wanted_roles)
    )
    AND certifications <@ ARRAY(
        SELECT last.certification::text FROM (
            SELECT DISTINCT ON (certification) certification, expires_at FROM public.people_certificate
            WHERE person_id = person.id ORDER BY certification, noted_at DESC, id DESC
        ) AS last WHERE last.expires_at > clock_timestamp()
    )
    AND topics <@ ARRAY(
        SELECT last.topic::text FROM (
            SELECT DISTINCT ON (topic) topic, passed FROM public.people_training
            WHERE person_id = person.id ORDER BY topic, held_at DESC, id DESC
        ) AS last WHERE last.passed
    )
)
$$;

-- The newest list that any post has said it has.
CREATE FUNCTION alerts_newest_list() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT max(list_version) FROM (
    SELECT DISTINCT ON (post) list_version FROM public.custody_status
    WHERE covert_group IS NULL AND class = 'log' AND retained_from > now() - interval '31 days' ORDER BY post, at DESC
) AS said
$$;

CREATE FUNCTION alerts_acknowledge() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.at := clock_timestamp();
    IF NEW.list_version IS DISTINCT FROM alerts_newest_list() THEN
        PERFORM alerts_refuse('alerts_old_list', 'There is a newer list than the one you saw. Look again.');
    ELSIF NOT EXISTS (
        SELECT FROM alerts_transition AS way WHERE way.step = 'take'
        AND alerts_current(NEW.person, way.roles, way.certifications, way.topics)
    ) THEN
        PERFORM alerts_refuse('alerts_lapsed', 'Your roles, certificates or training do not allow this now.');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER alerts_acknowledge BEFORE INSERT ON alerts_acknowledgment
    FOR EACH ROW EXECUTE FUNCTION alerts_acknowledge();

CREATE FUNCTION alerts_do_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    alert alerts_alert;
    way alerts_transition;
    seen boolean;
    told boolean;
BEGIN
    SELECT * INTO alert FROM alerts_alert AS found WHERE found.record_id = NEW.record_id
        AND (found.covert_group IS NULL OR NEW.by_program OR found.covert_group = ANY (ledger_groups()))
        FOR UPDATE;
    IF alert.record_id IS NULL THEN
        PERFORM alerts_refuse('alerts_unknown', 'There is no such alert.');
    ELSIF alert.revision <> NEW.revision THEN
        PERFORM alerts_refuse('alerts_stale', 'Somebody else was sooner, or it was taken back. Look again.');
    END IF;
    SELECT * INTO way FROM alerts_transition AS known WHERE known.step = NEW.step AND known.from_state = alert.state;
    IF way.step IS NULL THEN
        PERFORM alerts_refuse('alerts_no_way', format('An alert that is %s cannot go on like this.', alert.state));
    ELSIF (NEW.step = 'withdraw') <> NEW.by_program THEN
        PERFORM alerts_refuse('alerts_program', 'An alert is taken back by its post, or with its entry on the list.');
    ELSIF NOT NEW.by_program AND NOT alerts_current(NEW.person, way.roles, way.certifications, way.topics) THEN
        PERFORM alerts_refuse('alerts_lapsed', 'Your roles, certificates or training do not allow this now.');
    ELSIF NEW.step IN ('confirm', 'substitute', 'active', 'not_practical', 'cleared', 'outcome', 'offer')
        AND alert.holder <> NEW.person OR NEW.step = 'reject' AND alert.state <> 'waiting' AND alert.holder <> NEW.person
    THEN
        PERFORM alerts_refuse('alerts_holder', format('%s has taken this alert.', alert.holder));
    ELSIF NEW.step IN ('take', 'take_over') AND NOT EXISTS (
        SELECT FROM alerts_acknowledgment AS seen
        WHERE seen.person = NEW.person AND seen.at > clock_timestamp() - interval '12 hours'
    ) THEN
        PERFORM alerts_refuse('alerts_shift', 'Look at the posts'' lists first, at the start of your shift.');
    END IF;

    alert.revision := alert.revision + 1;
    alert.changed_at := clock_timestamp();
    seen := NEW.characters ~ '^s+$' AND NEW.plate_state <> 'other' AND NEW.vehicle <> 'other' AND EXISTS (
        SELECT FROM custody_hit WHERE record_id = NEW.record_id AND length(NEW.characters) >= length(plate_read)
    );
    CASE NEW.step
    WHEN 'take' THEN
        alert.holder := NEW.person;
    WHEN 'confirm' THEN
        IF seen IS NOT TRUE THEN
            PERFORM alerts_refuse('alerts_by_eye', 'It is confirmed when every character, the state and the vehicle were compared, and none differs.');
        END IF;
        alert.eye_by := NEW.person;
        alert.eye_at := alert.changed_at;
    WHEN 'second' THEN
        IF seen IS NOT TRUE THEN
            PERFORM alerts_refuse('alerts_by_eye', 'It is confirmed when every character, the state and the vehicle were compared, and none differs.');
        ELSIF NEW.person = alert.eye_by THEN
            PERFORM alerts_refuse('alerts_second', 'A second person must look at this one.');
        END IF;
        alert.second_by := NEW.person;
    WHEN 'substitute' THEN
        alert.substitute := NEW.note;
        alert.substitute_at := alert.changed_at;
    WHEN 'reject' THEN
        alert.reject_reason := NEW.reason;
    WHEN 'active' THEN
        alert.system := NEW.step;
        alert.system_at := alert.changed_at;
    WHEN 'not_practical' THEN
        IF NEW.note IS NULL THEN
            PERFORM alerts_refuse('alerts_why', 'Say why the state''s system could not be asked.');
        ELSIF alert.hotlist_stale OR alert.held THEN
            PERFORM alerts_refuse('alerts_stale_list', 'The list was too old, or held: only the state''s system can say that the entry stands.');
        ELSIF alert.second_needed AND alert.second_by IS NULL THEN
            PERFORM alerts_refuse('alerts_alone', 'Neither a second person nor the state''s system: one person alone does not decide about a near match.');
        END IF;
        alert.system := NEW.step;
        alert.system_at := alert.changed_at;
    WHEN 'cleared' THEN
        alert.system := NEW.step;
        alert.system_at := alert.changed_at;
        alert.reject_reason := 'stale_entry';
    WHEN 'outcome' THEN
        alert.outcome := NEW.reason;
    WHEN 'offer' THEN
        IF NEW.to_person = NEW.person OR NOT alerts_current(NEW.to_person, way.roles, way.certifications, way.topics) THEN
            PERFORM alerts_refuse('alerts_offer', 'It is handed over to somebody else who may act on alerts now.');
        END IF;
        alert.offered_to := NEW.to_person;
    WHEN 'take_over' THEN
        IF NEW.person = alert.holder THEN
            PERFORM alerts_refuse('alerts_holder', 'You have this alert already.');
        END IF;
        alert.holder := NEW.person;
        alert.offered_to := NULL;
    WHEN 'withdraw' THEN
        alert.withdrawn_at := alert.changed_at;
        alert.withdrawn_because := NEW.reason;
        alert.withdrawn_from := alert.state;
        alert.offered_to := NULL;
    WHEN 'meanwhile' THEN
        alert.meanwhile := NEW.reason;
    WHEN 'review' THEN
        IF alert.substitute IS NULL OR alert.reviewed_by IS NOT NULL OR NEW.person = alert.eye_by THEN
            PERFORM alerts_refuse('alerts_review', 'There is nothing to review, or it is your own.');
        ELSIF NEW.note IS NULL THEN
            PERFORM alerts_refuse('alerts_why', 'Say what you found.');
        END IF;
        alert.reviewed_by := NEW.person;
        alert.reviewed_at := alert.changed_at;
    END CASE;
    alert.state := CASE WHEN alert.second_needed THEN way.near_state ELSE way.to_state END;
    UPDATE alerts_alert AS changed SET
        state = alert.state, revision = alert.revision, changed_at = alert.changed_at, holder = alert.holder,
        offered_to = alert.offered_to, eye_by = alert.eye_by, eye_at = alert.eye_at, second_by = alert.second_by,
        substitute = alert.substitute, substitute_at = alert.substitute_at, reviewed_by = alert.reviewed_by,
        reviewed_at = alert.reviewed_at, reject_reason = alert.reject_reason, system = alert.system,
        system_at = alert.system_at, outcome = alert.outcome, withdrawn_because = alert.withdrawn_because,
        withdrawn_at = alert.withdrawn_at, withdrawn_from = alert.withdrawn_from, meanwhile = alert.meanwhile
    WHERE changed.record_id = alert.record_id;
    NEW.at := alert.changed_at;
    NEW.state := alert.state;
    NEW.covert_group := alert.covert_group;
    told := alert.state IN ('rejected', 'actionable', 'closed', 'withdrawn')
        AND NEW.step NOT IN ('offer', 'take_over', 'review');
    IF told THEN
        INSERT INTO alerts_decision (record_id, covert_group, post, hit, number, at, decision, reason) VALUES (
            alert.record_id, alert.covert_group, alert.post, alert.hit, alert.revision, alert.changed_at, alert.state,
            CASE alert.state WHEN 'rejected' THEN alert.reject_reason WHEN 'actionable' THEN alert.system
                WHEN 'closed' THEN alert.outcome ELSE alert.withdrawn_because END
        );
    END IF;
    -- Whoever listens looks at what they may see.
    PERFORM pg_notify('alerts', '');
    RETURN NEW;
END
$$;
CREATE TRIGGER alerts_do_step BEFORE INSERT ON alerts_step FOR EACH ROW EXECUTE FUNCTION alerts_do_step();

-- Take alerts back, those that can be; nothing of it fails, for it is part of what the keeper keeps.
CREATE FUNCTION alerts_take_back(records bigint[], because text, who text, closed_too boolean) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    taken bigint[];
BEGIN
    WITH found AS (
        SELECT alert.record_id, alert.revision FROM alerts_alert AS alert
        WHERE alert.record_id = ANY (records) AND (closed_too OR alert.state <> 'closed')
        AND alert.state IN (SELECT from_state FROM alerts_transition WHERE step = 'withdraw')
        ORDER BY alert.record_id FOR UPDATE
    ), added AS (
        INSERT INTO alerts_step (record_id, revision, step, person, reason, by_program)
        SELECT record_id, revision, 'withdraw', who, because, true FROM found RETURNING record_id
    )
    SELECT array_agg(record_id) INTO taken FROM added;
    RETURN coalesce(taken, '{}');
END
$$;

-- What posts say of hits. `rebuild` makes rows anew as the owner, and an import puts old ones back: neither alarms.
CREATE FUNCTION alerts_arrive() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    early record;
BEGIN
    -- A synthetic hit shows that hits arrive, and one of the department's own test plates concerns nobody.
    INSERT INTO alerts_alert (
        record_id, retained_from, post, covert_group, hit, captured_at, arrived_at, category, priority, match,
        list_version, list_age, hotlist_stale, held, second_needed, changed_at
    )
    SELECT record_id, retained_from, post, covert_group, hit, captured_at, clock_timestamp(), category, priority, match,
        list_version, list_age, hotlist_stale, held, match <> 'exact' OR held OR state_agreement = 'contradicts',
        clock_timestamp()
    FROM new_hits WHERE NOT synthetic AND category <> 'acceptance_test' ON CONFLICT (record_id) DO NOTHING;
    FOR early IN
        SELECT came.record_id, gone.reason FROM new_hits AS came
        JOIN custody_withdrawal AS gone ON gone.hit = came.hit AND gone.post = came.post ORDER BY came.record_id
    LOOP
        PERFORM alerts_take_back(ARRAY[early.record_id], early.reason, NULL, true);
    END LOOP;
    PERFORM pg_notify('alerts', '');
    RETURN NULL;
END
$$;
CREATE FUNCTION alerts_hear_withdrawal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    why text;
BEGIN
    FOR why IN SELECT DISTINCT reason FROM new_withdrawals ORDER BY reason LOOP
        PERFORM alerts_take_back(ARRAY(
            SELECT alert.record_id FROM new_withdrawals AS gone
            JOIN alerts_alert AS alert ON alert.hit = gone.hit AND alert.post = gone.post WHERE gone.reason = why
        ), why, NULL, true);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE FUNCTION alerts_hear_judgment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM alerts_take_back(
        ARRAY(SELECT record_id FROM new_judgments WHERE verdict <> 'genuine'), 'signature', NULL, true
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER alerts_arrive AFTER INSERT ON custody_hit REFERENCING NEW TABLE AS new_hits
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION alerts_arrive();
CREATE TRIGGER alerts_withdrawn AFTER INSERT ON custody_withdrawal REFERENCING NEW TABLE AS new_withdrawals
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION alerts_hear_withdrawal();
CREATE TRIGGER alerts_judged AFTER INSERT ON custody_rejudged REFERENCING NEW TABLE AS new_judgments
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION alerts_hear_judgment();

-- Take back what is open of entries that left the list, for the pages. `listed` as the list spells them.
CREATE FUNCTION alerts_withdraw_listed(listed text[], only_group text, who text) RETURNS bigint[]
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT alerts_take_back(ARRAY(
    SELECT alert.record_id FROM alerts_alert AS alert JOIN custody_hit AS hit USING (record_id)
    WHERE hit.plate_matched = ANY (listed) AND alert.covert_group IS NOT DISTINCT FROM only_group
    AND alert.state NOT IN ('rejected', 'closed', 'withdrawn', 'accounted')
), 'entry_removed', who, false)
$$;

-- Alerts go with their hits.
CREATE FUNCTION alerts_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM alerts_alert AS gone WHERE gone.retained_from >= NEW.begins AND gone.retained_from < NEW.ends
        AND NOT EXISTS (SELECT FROM custody_hit AS kept WHERE kept.record_id = gone.record_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER alerts_forget AFTER UPDATE OF dropped_at ON archive_part FOR EACH ROW
    WHEN (OLD.dropped_at IS NULL AND NEW.dropped_at IS NOT NULL) EXECUTE FUNCTION alerts_forget();

-- The owner too changes no alert by hand.
CREATE FUNCTION alerts_final() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.alerts_refuse('alerts_final', 'alerts are changed by steps alone, and a step never');
    RETURN NULL;
END
$$;
CREATE TRIGGER alerts_final BEFORE INSERT OR UPDATE OR DELETE ON alerts_alert FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION alerts_final();
CREATE TRIGGER alerts_final BEFORE UPDATE OR DELETE ON alerts_step FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION alerts_final();
CREATE TRIGGER alerts_final BEFORE UPDATE OR DELETE ON alerts_acknowledgment FOR EACH ROW
    EXECUTE FUNCTION alerts_final();

REVOKE ALL ON FUNCTION alerts_plain(text), alerts_refuse(text, text), alerts_current(text, text[], text[], text[]),
    alerts_newest_list(), alerts_acknowledge(), alerts_do_step(), alerts_take_back(bigint[], text, text, boolean),
    alerts_arrive(), alerts_hear_withdrawal(), alerts_hear_judgment(), alerts_withdraw_listed(text[], text, text),
    alerts_forget(), alerts_final() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_plain(text), alerts_newest_list(), alerts_withdraw_listed(text[], text, text)
    TO platepost_web;
GRANT SELECT ON alerts_alert, alerts_step TO platepost_web, platepost_auditor;
GRANT SELECT ON alerts_acknowledgment TO platepost_web, platepost_auditor;
GRANT SELECT ON alerts_transition TO platepost_web, platepost_auditor;
GRANT INSERT (person, list_version) ON alerts_acknowledgment TO platepost_web;
GRANT INSERT (record_id, revision, step, person, reason, note, characters, pairs, plate_state, vehicle, to_person)
    ON alerts_step TO platepost_web;
GRANT SELECT ON alerts_decision TO platepost_keeper;
GRANT UPDATE (published_at) ON alerts_decision TO platepost_keeper;

-- An alert names no plate, so it asks for no entry; what is of a covert group is for who is in it, under one.
ALTER TABLE alerts_alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE alerts_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY groups ON alerts_alert FOR SELECT TO platepost_web, platepost_auditor
    USING (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[]));
CREATE POLICY groups ON alerts_step FOR SELECT TO platepost_web, platepost_auditor
    USING (covert_group IS NULL OR covert_group = ANY ((SELECT ledger_groups())::text[]));
-- The trigger says which alert somebody may act on.
CREATE POLICY act ON alerts_step FOR INSERT TO platepost_web WITH CHECK (true);
