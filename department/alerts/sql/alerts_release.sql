-- after: alerts_undelivered, ledger_enter_each
-- Opens an entry under which a webhook's program reads one hit, to send its plate with a decision: see
-- `alerts_undelivered`, which says when, and `alerts_webhook_open`, which says to whom. Null where it may not.
CREATE OR REPLACE FUNCTION alerts_release(hook bigint, decided bigint, policy text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    released public.alerts_undelivered;
BEGIN
    SELECT * INTO released FROM public.alerts_undelivered AS waiting
    WHERE waiting.webhook = hook AND waiting.id = decided AND waiting.releases;
    IF released.webhook IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (public.ledger_enter_each('intent', ARRAY[NULL::uuid], json_build_array(json_build_object(
        'person', format('webhook-%s@%s', hook, released.agency), 'agency', released.agency, 'purpose', 'hot list alarm',
        'case', NULL, 'reason', NULL, 'on_behalf_of', released.agency, 'exigent', false, 'policy', policy,
        'query', json_build_object('console', json_build_array(released.record_id), 'webhook', hook), 'groups', '[]'::json
    ))))[1];
END
$$;

REVOKE ALL ON FUNCTION alerts_release FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_release TO platepost_webhook;
