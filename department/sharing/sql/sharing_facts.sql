-- after: alerts_newest_list, alerts_plain, archive_due, custody_decommissioned
-- after: ledger_agency_lack, ledger_agency_refusal, ledger_open_reviews, ledger_today, lists_in_force, policy_is_return
-- Counts by which clauses of the policy are judged, of the last 30 days where they are of a time: no plate, no person,
-- no record. `with_case`: purposes that need a case; `trained`: for how long training counts; `audit_days`: how many
-- days the law allows between audits. What a clause forbids is
-- looked for in every access, those at a console too. People of a partner are known there, and are held to the
-- agreement about queries.
CREATE OR REPLACE FUNCTION sharing_facts(with_case text[], trained interval, audit_days integer) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
WITH searches AS MATERIALIZED (
    SELECT line.at, fields ->> 'person' AS person, fields ->> 'purpose' AS purpose, coalesce(fields ->> 'case', '') AS "case",
        coalesce(fields ->> 'exigent' = 'true', false) AS exigent, fields ->> 'policy' AS policy,
        fields ->> 'on_behalf_of' AS behalf, coalesce(fields -> 'query' ? 'console', false) AS console,
        CASE WHEN fields ->> 'person' LIKE 'webhook-%@%' THEN 'release'
            WHEN fields ->> 'person' LIKE '%@' || (fields ->> 'on_behalf_of') THEN 'query' ELSE 'search' END AS scope
    FROM ledger_entry AS line CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(body.field, body.value::jsonb) AS fields FROM ledger_body AS body
        WHERE body.entry = line.entry
        AND body.field IN ('person', 'purpose', 'case', 'exigent', 'policy', 'on_behalf_of', 'query')
    ) AS bodies
    WHERE line.event = 'intent' AND line.at > now() - interval '30 days'
), moments AS (
    -- Each who searched, each day; and each whose role lets them, now.
    SELECT login, max(at) AS at, true AS searched FROM searches JOIN people_person ON login = person
    GROUP BY login, at::date
    UNION ALL
    SELECT DISTINCT login, statement_timestamp(), false
    FROM people_person JOIN people_role AS held ON held.person_id = people_person.id
    WHERE disabled_at IS NULL AND ended_at IS NULL
    AND role IN ('operator', 'dispatcher', 'supervisor', 'records_manager')
), standing AS (
    SELECT searched, (
        SELECT count(*) FROM unnest('{clets,dmv}'::text[]) AS kind WHERE (
            SELECT expires_at FROM people_certificate AS noted
            WHERE noted.person_id = person.id AND certification = kind AND noted_at <= at
            ORDER BY noted_at DESC, id DESC LIMIT 1
        ) > at
    ) + (
        SELECT count(*) FROM unnest('{authorities,policy,security,practical}'::text[]) AS kind WHERE (
            SELECT CASE WHEN passed THEN held_at + trained END FROM people_training AS noted
            WHERE noted.person_id = person.id AND topic = kind AND noted_at <= at ORDER BY held_at DESC, id DESC LIMIT 1
        ) > at
    ) = 6 AS current
    FROM moments JOIN people_person AS person USING (login)
), posts AS (
    SELECT DISTINCT ON (post) list_version, at - list_age * interval '1 second' AS list_built FROM custody_status
    WHERE covert_group IS NULL AND class = 'log' AND retained_from > now() - interval '31 days'
    AND post NOT IN (SELECT gone.post FROM custody_decommissioned() AS gone)
    ORDER BY post, at DESC
), readers AS (
    SELECT DISTINCT ON (fields.value) fields.value::json #>> '{}' AS reader, line.event
    FROM ledger_entry AS line JOIN ledger_body AS fields ON fields.entry = line.entry AND fields.field = 'reader'
    WHERE line.event IN ('reads_granted', 'reads_ended') ORDER BY fields.value, line.number DESC
), plans AS (
    SELECT plan.begins,
        coalesce(max(audit.until), plan.begins) + make_interval(days => plan.every_days + plan.days_to_finish) AS due
    FROM audits_plan AS plan LEFT JOIN audits_audit AS audit ON audit.plan_id = plan.id
    WHERE plan.ended_at IS NULL GROUP BY plan.id
)
SELECT jsonb_build_object(
    'searches', (SELECT count(*) FROM searches WHERE NOT console),
    'under_others', (SELECT count(*) FROM searches WHERE policy NOT IN (SELECT digest FROM sharing_policy)),
    'without_case', (SELECT count(*) FROM searches WHERE purpose = ANY (with_case) AND "case" = '' AND NOT exigent),
    'nameless', (SELECT count(*) FROM searches
        WHERE (person IS NULL OR person NOT IN (SELECT login FROM people_person))
        AND NOT coalesce(person LIKE '%@' || behalf, false)),
    'on_behalf', (SELECT count(*) FROM searches WHERE behalf IS NOT NULL),
    'outside', (SELECT count(*) FROM searches WHERE ledger_agency_refusal(behalf, purpose, scope, at) IS NOT NULL AND behalf IS NOT NULL OR EXISTS (
            SELECT FROM people_person AS known
            WHERE known.login = person AND ledger_agency_lack(known.agency, purpose, at) IS NOT NULL
        ))
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
    -- A time-stamping service, of which the destination is an address, gets one each hour.
    'checkpoints', (
        SELECT count(*) FROM ledger_sent WHERE destination !~ '^https?:|^public page$' AND at > now() - interval '5 minutes'
    ),
    'checkpoints_late', (
        SELECT count(*) FROM ledger_sent WHERE destination <> 'public page' AND (
            error <> '' OR coalesce(at, '-infinity')
            < now() - CASE WHEN destination ~ '^https?:' THEN interval '2 hours' ELSE interval '5 minutes' END
        )
    )
) || jsonb_build_object(
    -- By the pages, or by hand: then posts alone know.
    'published', (SELECT count(*) FROM (
        SELECT version FROM lists_request WHERE published_at > now() - interval '24 hours'
        UNION SELECT list_version FROM posts WHERE list_built > now() - interval '24 hours'
    ) AS known),
    'posts', (SELECT count(*) FROM posts),
    -- What the signer published ten minutes ago, posts have, though none reports it.
    'behind', (SELECT count(*) FROM posts WHERE list_version IS DISTINCT FROM greatest(alerts_newest_list(),
        (SELECT max(version) FROM lists_request WHERE published_at < now() - interval '10 minutes'))),
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
    'listed', (SELECT count(*) FROM lists_entry WHERE distribution IS NULL),
    'texts', (SELECT count(*) FROM alerts_step
        WHERE note IS NOT NULL AND covert_group IS NULL AND NOT alerts_plain(note))
        + (SELECT count(*) FROM lists_entry WHERE distribution IS NULL
        AND (policy_is_return(reason) OR policy_is_return(vehicle) OR policy_is_return(instructions)))
        + (SELECT count(*) FROM lists_recovery WHERE policy_is_return(reason))
        + (SELECT count(*) FROM archive_hold WHERE groups = '{}' AND policy_is_return(reason))
) || jsonb_build_object(
    'terms', (SELECT count(*) FROM archive_term),
    'overdue_records', (SELECT count(*) FROM archive_due WHERE overdue),
    'holds', (SELECT count(*) FROM archive_hold WHERE lifted_at IS NULL AND groups = '{}'),
    'holds_to_review', (SELECT count(*) FROM archive_hold WHERE lifted_at IS NULL AND groups = '{}'
        AND review_on < public.ledger_today()),
    'agencies', (SELECT count(*) FROM ledger_agency WHERE allowed),
    'agreements', (SELECT count(*) FROM ledger_sharing
        WHERE ended_at IS NULL AND confirmed_at IS NOT NULL AND ledger_today() BETWEEN begins AND ends),
    'unverified_agencies', (SELECT count(*)
        FROM ledger_sharing AS agreed JOIN ledger_agency ON name = agency AND allowed
        WHERE ended_at IS NULL AND agreed.confirmed_at IS NOT NULL AND ledger_today() BETWEEN begins AND ends
        AND ledger_agency_refusal(agency, purposes[1], scope[1], now()) IS NOT NULL),
    'strangers', (SELECT count(DISTINCT person.id) FROM people_person AS person
        JOIN people_role AS held ON held.person_id = person.id
        WHERE disabled_at IS NULL AND ended_at IS NULL AND role <> 'trainer'
        AND ledger_agency_lack(agency, NULL, now()) IS NOT NULL),
    'readers', (SELECT count(*) FROM readers WHERE event = 'reads_granted'),
    'side_doors', (SELECT count(*) FROM readers WHERE event = 'reads_granted' AND NOT EXISTS (
        SELECT FROM ledger_agreement AS agreed WHERE agreed.reader = readers.reader AND confirmed_by IS NOT NULL
        AND until >= ledger_today()))
) || jsonb_build_object(
    'slow_plans', (SELECT count(*) FROM audits_plan WHERE ended_at IS NULL AND every_days > audit_days),
    'auditors_disabled', (SELECT count(DISTINCT person.id) FROM people_person AS person
        JOIN people_role AS held ON held.person_id = person.id
        WHERE role = 'auditor' AND held.ended_at IS NULL AND disabled_at IS NOT NULL),
    'plans', (SELECT count(*) FROM plans WHERE begins <= now()),
    'audits_overdue', (SELECT count(*) FROM plans WHERE due < now())
        + (SELECT count(*) FROM audits_audit WHERE finished_at IS NULL AND due_at < now()),
    'audited_days', (SELECT extract(day FROM now() - max(finished_at)) FROM audits_audit),
    'samples', (SELECT count(*) FROM audits_sample WHERE judged_at > now() - interval '30 days'),
    'findings', (SELECT count(*) FROM audits_finding WHERE closed_at IS NULL),
    'findings_overdue', (SELECT count(*) FROM audits_finding AS finding WHERE closed_at IS NULL AND (close_by < now()
        OR answer_by < now() AND NOT EXISTS (SELECT FROM audits_answer WHERE finding_id = finding.id)))
)
$$;

REVOKE ALL ON FUNCTION sharing_facts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_facts TO platepost_web;
