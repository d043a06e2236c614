-- after: policy_refusal, people_roles
-- Refuses an intent for which the policy has no purpose: whoever enters it, by whatever way.
CREATE OR REPLACE FUNCTION ledger_check_purpose(event text, fields json) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    query jsonb := coalesce((fields -> 'query')::jsonb, '{}');
    console boolean := event = 'intent' AND query ? 'console';
    -- What the program looks at for a purpose that no person chose: random reads to label, whom a breach affects, a hit
    -- for a webhook.
    own boolean := event = 'log_intent' OR fields ->> 'person' LIKE 'webhook-%@%' OR (query ? 'sample' OR EXISTS (
        SELECT FROM public.sharing_incident AS incident WHERE to_jsonb(incident.id) = query -> 'incident'
    )) AND NOT query ?| '{plate,opened,scenes,posts,picture,record,export,list_entry,console}';
    roles text[] := public.people_roles(fields ->> 'person');
    partner boolean := query ? 'exchange';
    why text;
BEGIN
    -- Of the log: each who reads it by the pages has a role that reads it, or a finding about themselves; `nightly` and
    -- commands are nobody's.
    IF event = 'log_intent' AND cardinality(roles) > 0 AND NOT roles && '{auditor,supervisor,records_manager}'
        AND NOT query ? 'finding' THEN
        why := 'reading the log needs one of these roles: auditor, supervisor, records_manager';
    ELSIF query ? 'incident' AND event = 'intent' AND cardinality(roles) > 0 AND NOT 'records_manager' = ANY (roles) THEN
        why := 'whom an incident affects is computed by a records manager';
    ELSIF partner AND coalesce(fields ->> 'reason', '') !~ '[[:alpha:]]{3}' THEN
        why := 'a partner department gives a reason';
    ELSE
        why := public.policy_refusal(
            fields ->> 'purpose', fields ->> 'case', concat_ws(E'\n\n\n\n', fields ->> 'reason', fields ->> 'on_behalf_of'),
            coalesce(fields ->> 'exigent' = 'true', false), CASE WHEN own THEN NULL ELSE roles END, console,
            -- A partner commits to its own number. Of a covert entry the ledger has the entry's: nobody looks back alone for
            -- what auditors do not see, so a second person has approved it.
            own OR partner OR EXISTS (
                SELECT FROM public.lists_entry AS entry WHERE '#' || entry.id = fields ->> 'case'
                AND to_jsonb(entry.id) = query -> 'list_entry' AND entry.approved_at IS NOT NULL
                AND entry.distribution IN (SELECT json_array_elements_text(fields -> 'groups'))
            )
        );
    END IF;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_purpose';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger_check_purpose FROM PUBLIC;
