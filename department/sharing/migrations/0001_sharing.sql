-- Published versions of the policy, and what the department knows of how its clauses are kept.

CREATE TABLE sharing_policy (
    digest text COLLATE "C" PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    says text NOT NULL,  -- the file, whole
    hearing date NOT NULL,  -- of the legislative body
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sharing_policy_digest CHECK (encode(sha256(convert_to(says, 'UTF8')), 'hex') = digest),
    CONSTRAINT sharing_policy_heard CHECK (hearing <= (at AT TIME ZONE 'UTC')::date + 1)
);

CREATE FUNCTION sharing_require(who text, roles text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.people_role AS held JOIN public.people_person AS person ON person.id = held.person_id
        WHERE person.login = who AND held.role = ANY (roles) AND held.ended_at IS NULL AND person.disabled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'this is for: %', replace(array_to_string(roles, ', '), '_', ' ')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_role';
    END IF;
END
$$;

-- Whoever says that something is shared is the records manager, by whatever way it is said.
CREATE FUNCTION sharing_by_manager() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.sharing_require(coalesce(to_jsonb(NEW) ->> 'ended_by', NEW.person), '{records_manager}');
    RETURN NEW;
END
$$;
CREATE TRIGGER sharing_by_manager BEFORE INSERT ON ledger_verification FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
CREATE TRIGGER sharing_by_manager BEFORE INSERT ON sharing_policy FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();
CREATE TRIGGER sharing_by_manager BEFORE INSERT OR UPDATE OF ended_by ON ledger_sharing
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();

-- Counts by which clauses of the policy are judged, of the last 30 days where they are of a time: no plate, no person,
-- no record. `with_case`: purposes that need a case; `trained`: for how long training counts.
CREATE FUNCTION sharing_facts(with_case text[], trained interval) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
WITH searches AS MATERIALIZED (
    SELECT line.at, said ->> 'person' AS person, said ->> 'purpose' AS purpose, coalesce(said ->> 'case', '') AS "case",
        coalesce(said ->> 'exigent' = 'true', false) AS exigent, said ->> 'policy' AS policy, said ->> 'on_behalf_of' AS behalf
    FROM ledger_entry AS line CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(body.field, body.value::jsonb) AS said FROM ledger_body AS body WHERE body.entry = line.entry
        AND body.field IN ('person', 'purpose', 'case', 'exigent', 'policy', 'on_behalf_of')
    ) AS bodies
    WHERE line.event = 'intent' AND line.at > now() - interval '30 days'
), moments AS (
    -- Each who searched, each day; and each whose role lets them, now.
    SELECT login, max(at) AS at, true AS searched FROM searches JOIN people_person ON login = person GROUP BY login, at::date
    UNION ALL
    SELECT DISTINCT login, statement_timestamp(), false FROM people_person JOIN people_role AS held ON held.person_id = people_person.id
    WHERE disabled_at IS NULL AND ended_at IS NULL AND role IN ('operator', 'dispatcher', 'supervisor', 'records_manager')
), standing AS (
    SELECT searched, (
        SELECT count(*) FROM unnest('{clets,dmv}'::text[]) AS kind WHERE (
            SELECT expires_at FROM people_certificate AS noted WHERE noted.person_id = person.id AND certification = kind
            AND noted_at <= at ORDER BY noted_at DESC, id DESC LIMIT 1
        ) > at
    ) + (
        SELECT count(*) FROM unnest('{authorities,policy,security,practical}'::text[]) AS kind WHERE (
            SELECT CASE WHEN passed THEN held_at + trained END FROM people_training AS noted
            WHERE noted.person_id = person.id AND topic = kind AND noted_at <= at ORDER BY held_at DESC, id DESC LIMIT 1
        ) > at
    ) = 6 AS current
    FROM moments JOIN people_person AS person USING (login)
), posts AS (
    SELECT DISTINCT ON (post) list_version FROM custody_status
    WHERE covert_group IS NULL AND class = 'log' AND retained_from > now() - interval '31 days' ORDER BY post, at DESC
), readers AS (
    SELECT DISTINCT ON (said.value) said.value::json #>> '{}' AS reader, line.event
    FROM ledger_entry AS line JOIN ledger_body AS said ON said.entry = line.entry AND said.field = 'reader'
    WHERE line.event IN ('reads_granted', 'reads_ended') ORDER BY said.value, line.number DESC
), plans AS (
    SELECT coalesce(max(audit.until), plan.begins) + make_interval(days => plan.every_days + plan.days_to_finish) AS due
    FROM audits_plan AS plan LEFT JOIN audits_audit AS audit ON audit.plan_id = plan.id
    WHERE plan.ended_at IS NULL GROUP BY plan.id
)
SELECT jsonb_build_object(
    'searches', (SELECT count(*) FROM searches),
    'under_others', (SELECT count(*) FROM searches WHERE policy NOT IN (SELECT digest FROM sharing_policy)),
    'without_case', (SELECT count(*) FROM searches WHERE purpose = ANY (with_case) AND "case" = '' AND NOT exigent),
    'nameless', (SELECT count(*) FROM searches WHERE person IS NULL OR person NOT IN (SELECT login FROM people_person)),
    'on_behalf', (SELECT count(*) FROM searches WHERE behalf IS NOT NULL),
    'outside', (SELECT count(*) FROM searches WHERE ledger_agency_refusal(behalf, purpose, 'search', at) IS NOT NULL
        AND behalf IS NOT NULL)
) || jsonb_build_object(
    'unreviewed', (SELECT count(*) FROM ledger_open_reviews() WHERE at < now() - interval '1 day'),
    'refused', (SELECT count(*) FROM ledger_entry WHERE event = 'refused' AND at > now() - interval '30 days'),
    'people', (SELECT count(*) FROM standing WHERE NOT searched),
    'lapsed', (SELECT count(*) FROM standing WHERE NOT searched AND NOT current),
    'untrained', (SELECT count(*) FROM standing WHERE searched AND NOT current),
    'trainers', (SELECT count(DISTINCT person_id) FROM people_role JOIN people_person AS person ON person.id = person_id
        WHERE role = 'trainer' AND ended_at IS NULL AND disabled_at IS NULL),
    'trainings', (SELECT count(*) FROM people_training WHERE held_at > now() - trained),
    'managers', (SELECT count(DISTINCT person_id) FROM people_role JOIN people_person AS person ON person.id = person_id
        WHERE role = 'records_manager' AND ended_at IS NULL AND disabled_at IS NULL),
    'without_factor', (SELECT count(*) FROM people_person AS person WHERE disabled_at IS NULL AND last_login IS NOT NULL
        AND NOT EXISTS (SELECT FROM mfa_authenticator WHERE user_id = person.id)),
    'sealed', (SELECT count(*) FROM ledger_entry WHERE event = 'sealed' AND at > now() - interval '30 hours')
) || jsonb_build_object(
    'published', (SELECT count(*) FROM lists_request WHERE published_at > now() - interval '24 hours'),
    'posts', (SELECT count(*) FROM posts),
    'behind', (SELECT count(*) FROM posts WHERE list_version IS DISTINCT FROM alerts_newest_list()),
    'partial', (SELECT count(*) FROM lists_in_force WHERE plate ~ '[?*]' AND distribution IS NULL),
    'unlisted', (SELECT count(*) FROM lists_in_force WHERE plate ~ '[?*]' AND distribution IS NULL
        AND listed_at IS NULL AND coalesce(approved_at, made_at) < now() - interval '1 day'),
    'confirmed', (SELECT count(*) FROM alerts_alert WHERE state IN ('actionable', 'closed') AND covert_group IS NULL
        AND captured_at > now() - interval '30 days'),
    'unverified', (SELECT count(*) FROM alerts_alert WHERE state IN ('actionable', 'closed') AND covert_group IS NULL
        AND captured_at > now() - interval '30 days' AND (eye_by IS NULL OR system IS NULL)),
    'substitutes', (SELECT count(*) FROM alerts_alert WHERE substitute IS NOT NULL AND reviewed_by IS NULL
        AND covert_group IS NULL AND substitute_at < now() - interval '1 day'),
    'notes', (SELECT count(*) FROM alerts_step WHERE note IS NOT NULL AND covert_group IS NULL),
    'texts', (SELECT count(*) FROM alerts_step WHERE note IS NOT NULL AND covert_group IS NULL AND NOT alerts_plain(note))
) || jsonb_build_object(
    'terms', (SELECT count(*) FROM archive_term),
    'overdue_records', (SELECT count(*) FROM archive_due WHERE overdue),
    'holds', (SELECT count(*) FROM archive_hold WHERE lifted_at IS NULL AND groups = '{}'),
    'holds_to_review', (SELECT count(*) FROM archive_hold WHERE lifted_at IS NULL AND groups = '{}'
        AND review_on < current_date),
    'agencies', (SELECT count(*) FROM ledger_agency WHERE allowed),
    'agreements', (SELECT count(*) FROM ledger_sharing WHERE ended_at IS NULL AND current_date BETWEEN begins AND ends),
    'unverified_agencies', (SELECT count(*) FROM ledger_sharing AS agreed JOIN ledger_agency ON name = agency AND allowed
        WHERE ended_at IS NULL AND current_date BETWEEN begins AND ends
        AND ledger_agency_refusal(agency, purposes[1], scope[1], now()) IS NOT NULL),
    'readers', (SELECT count(*) FROM readers WHERE event = 'reads_granted'),
    'side_doors', (SELECT count(*) FROM readers WHERE event = 'reads_granted' AND NOT EXISTS (
        SELECT FROM ledger_agreement AS agreed WHERE agreed.reader = readers.reader AND confirmed_by IS NOT NULL
        AND until >= current_date))
) || jsonb_build_object(
    'plans', (SELECT count(*) FROM plans),
    'audits_overdue', (SELECT count(*) FROM plans WHERE due < now())
        + (SELECT count(*) FROM audits_audit WHERE finished_at IS NULL AND due_at < now()),
    'audited_days', (SELECT extract(day FROM now() - max(finished_at)) FROM audits_audit),
    'samples', (SELECT count(*) FROM audits_sample WHERE judged_at > now() - interval '30 days'),
    'findings', (SELECT count(*) FROM audits_finding WHERE closed_at IS NULL),
    'findings_overdue', (SELECT count(*) FROM audits_finding AS found WHERE closed_at IS NULL AND (close_by < now()
        OR answer_by < now() AND NOT EXISTS (SELECT FROM audits_answer WHERE finding_id = found.id)))
)
$$;

REVOKE ALL ON FUNCTION sharing_require(text, text[]), sharing_by_manager(), sharing_facts(text[], interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_require(text, text[]), sharing_facts(text[], interval) TO platepost_web;
GRANT SELECT, INSERT ON sharing_policy TO platepost_web;
GRANT SELECT ON sharing_policy TO platepost_auditor;

-- Requests from outside, their clocks, the decision of the records manager, and what was released. Rows are never deleted.

CREATE TABLE sharing_request (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('public records', 'subpoena', 'discovery', 'agency')),
    requester text NOT NULL CHECK (requester <> ''),
    says text NOT NULL CHECK (says <> ''),  -- what is asked, without a plate
    order_number text NOT NULL DEFAULT '',  -- of the order or the case that compels it
    agency text COLLATE "C" REFERENCES ledger_agency,
    purpose text NOT NULL DEFAULT '',
    received_on date NOT NULL,
    due_on date NOT NULL,
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    extended_because text,
    hold_id bigint REFERENCES archive_hold,
    decision text CHECK (decision IN ('granted', 'partly granted', 'denied')),
    because text,
    decided_by text COLLATE "C",
    decided_at timestamptz,
    CONSTRAINT sharing_request_order CHECK (kind NOT IN ('subpoena', 'discovery') OR order_number <> ''),
    CONSTRAINT sharing_request_agency CHECK ((kind = 'agency') = (agency IS NOT NULL AND purpose <> '')),
    CONSTRAINT sharing_request_due CHECK (due_on >= received_on),
    CONSTRAINT sharing_request_decided CHECK (
        num_nulls(decision, because, decided_by, decided_at) IN (0, 4) AND because <> ''
    )
);

CREATE TABLE sharing_release (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    request_id bigint NOT NULL REFERENCES sharing_request,
    recipient text NOT NULL,  -- to whose key it is encrypted
    recipient_key text NOT NULL,
    package uuid NOT NULL UNIQUE,
    digest text NOT NULL UNIQUE CHECK (digest ~ '^[0-9a-f]{64}$'),
    records integer NOT NULL CHECK (records > 0),
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    recalled_by text COLLATE "C",
    recalled_at timestamptz,
    recalled_because text,
    CONSTRAINT sharing_release_recalled CHECK (
        num_nulls(recalled_by, recalled_at, recalled_because) IN (0, 3) AND recalled_because <> ''
    )
);

CREATE FUNCTION sharing_guard_request() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    once text[] := '{due_on,extended_because,hold_id,decision,because,decided_by,decided_at}';
    why text;
BEGIN
    PERFORM public.sharing_require(coalesce(NEW.decided_by, NEW.person), '{records_manager}');
    IF TG_OP = 'INSERT' AND (num_nonnulls(NEW.decision, NEW.extended_because, NEW.hold_id) > 0)
        OR TG_OP = 'UPDATE' AND (
            OLD.decided_at IS NOT NULL OR to_jsonb(NEW) - once <> to_jsonb(OLD) - once
            OR (OLD.extended_because IS NOT NULL OR NEW.extended_because IS NULL) AND NEW.due_on <> OLD.due_on
        )
    THEN
        RAISE EXCEPTION 'a request is extended once and decided once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    END IF;
    -- Gov. Code 7922.535 (b): once, by 14 days.
    IF TG_OP = 'UPDATE' AND NEW.due_on > OLD.due_on + 14 THEN
        RAISE EXCEPTION 'too long' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_extended';
    END IF;
    IF NEW.kind = 'agency' AND NEW.decision <> 'denied' THEN
        why := public.ledger_agency_refusal(NEW.agency, NEW.purpose, 'release', clock_timestamp());
        IF why IS NOT NULL THEN
            RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sharing_guard_request BEFORE INSERT OR UPDATE ON sharing_request
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_request();

CREATE FUNCTION sharing_guard_release() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    recalling text[] := '{recalled_by,recalled_at,recalled_because}';
    asked public.sharing_request;
    why text;
BEGIN
    PERFORM public.sharing_require(coalesce(NEW.recalled_by, NEW.person), '{records_manager}');
    IF TG_OP = 'UPDATE' THEN
        IF OLD.recalled_at IS NOT NULL OR to_jsonb(NEW) - recalling <> to_jsonb(OLD) - recalling THEN
            RAISE EXCEPTION 'a release is recalled once' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
        END IF;
        RETURN NEW;
    END IF;
    -- So that two releases do not pass each other by.
    SELECT * INTO asked FROM public.sharing_request WHERE id = NEW.request_id FOR UPDATE;
    IF coalesce(asked.decision, 'denied') = 'denied' THEN
        RAISE EXCEPTION 'not granted' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_not_granted';
    ELSIF asked.kind = 'public records' THEN
        RAISE EXCEPTION 'no records' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_to_the_public';
    ELSIF asked.kind <> 'agency' AND EXISTS (SELECT FROM public.sharing_release WHERE request_id = NEW.request_id) THEN
        RAISE EXCEPTION 'one package' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_one_package';
    ELSIF asked.kind = 'agency' THEN
        why := public.ledger_agency_refusal(asked.agency, asked.purpose, 'release', clock_timestamp());
        IF why IS NOT NULL THEN
            RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sharing_guard_release BEFORE INSERT OR UPDATE ON sharing_release
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_release();

REVOKE ALL ON FUNCTION sharing_guard_request(), sharing_guard_release() FROM PUBLIC;
GRANT SELECT, INSERT ON sharing_request, sharing_release TO platepost_web;
GRANT UPDATE (due_on, extended_because, hold_id, decision, because, decided_by, decided_at)
    ON sharing_request TO platepost_web;
GRANT UPDATE (recalled_by, recalled_at, recalled_because) ON sharing_release TO platepost_web;
GRANT SELECT ON sharing_request, sharing_release TO platepost_auditor;

-- Breaches. An incident says once what happened; exposure may be computed again, as more becomes known.

CREATE TABLE sharing_incident (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('account', 'device', 'subscriber', 'backup')),
    subject text NOT NULL CHECK (subject <> ''),
    says text NOT NULL CHECK (says <> ''),
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    known_on date NOT NULL,
    notify_by date NOT NULL,
    encrypted boolean NOT NULL,
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    computed_at timestamptz,
    plates integer,
    reads integer,
    gone integer,
    digest text,
    notified_by text COLLATE "C",
    notified_at timestamptz,
    CONSTRAINT sharing_incident_time CHECK (since < until),
    CONSTRAINT sharing_incident_clock CHECK (notify_by - known_on BETWEEN 0 AND 30),
    CONSTRAINT sharing_incident_computed CHECK (num_nulls(computed_at, plates, reads, gone, digest) IN (0, 5)),
    CONSTRAINT sharing_incident_told CHECK (
        num_nulls(notified_by, notified_at) IN (0, 2) AND (notified_at IS NULL OR computed_at IS NOT NULL)
    )
);
CREATE FUNCTION sharing_guard_incident() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    more text[] := '{computed_at,plates,reads,gone,digest,notified_by,notified_at}';
BEGIN
    PERFORM public.sharing_require(coalesce(NEW.notified_by, NEW.person), '{records_manager}');
    IF TG_OP = 'INSERT' AND num_nonnulls(NEW.computed_at, NEW.notified_at) > 0 OR TG_OP = 'UPDATE' AND (
        OLD.notified_at IS NOT NULL OR to_jsonb(NEW) - more <> to_jsonb(OLD) - more
    ) THEN
        RAISE EXCEPTION 'an incident stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sharing_guard_incident BEFORE INSERT OR UPDATE ON sharing_incident
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_incident();
REVOKE ALL ON FUNCTION sharing_guard_incident() FROM PUBLIC;
GRANT SELECT, INSERT ON sharing_incident TO platepost_web;
GRANT UPDATE (computed_at, plates, reads, gone, digest, notified_by, notified_at) ON sharing_incident TO platepost_web;
GRANT SELECT ON sharing_incident TO platepost_auditor;
