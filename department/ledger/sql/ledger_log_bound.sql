-- after: people_roles
-- The entries that an open entry `log_intent` is about, where it is about some alone: those of a finding, and the samples
-- of an audit; for whoever is neither auditor nor records manager, none but these. Null where it may open the whole ledger.
-- Fails unless it is open.
CREATE OR REPLACE FUNCTION ledger_log_bound(opened uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked jsonb;
BEGIN
    IF NOT public.ledger_is_open(opened, 'log_intent') THEN
        RAISE EXCEPTION 'the entry is closed, too old, or opens no ledger' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT jsonb_object_agg(body.field, body.value::jsonb) INTO asked
    FROM public.ledger_body AS body WHERE body.entry = opened AND body.field IN ('person', 'query');
    IF asked -> 'query' ? 'finding' THEN
        RETURN ARRAY(
            SELECT unnest(finding.entries) FROM public.audits_finding AS finding
            WHERE to_jsonb(finding.id) = asked -> 'query' -> 'finding'
        );
    ELSIF asked -> 'query' ? 'samples of' THEN
        RETURN ARRAY(
            SELECT sample.entry FROM public.audits_sample AS sample
            WHERE to_jsonb(sample.audit_id) = asked -> 'query' -> 'samples of'
        );
    END IF;
    RETURN CASE WHEN coalesce(nullif(current_setting('role'), 'none'), session_user) = 'platepost_web'
        AND NOT public.people_roles(asked ->> 'person') && '{auditor,records_manager}' THEN '{}'::uuid[] END;
END
$$;

REVOKE ALL ON FUNCTION ledger_log_bound FROM PUBLIC;
