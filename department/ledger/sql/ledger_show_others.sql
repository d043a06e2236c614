-- after: ledger_append_each, ledger_intent, people_roles
-- Closes an entry, and enters of each session's person the same: that they are about to see it, and what it was.
CREATE OR REPLACE FUNCTION ledger_show_others(opened uuid, sessions text[], shown json) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    asked json := (
        SELECT json_object_agg(body.field, body.value::json) FROM public.ledger_body AS body WHERE body.entry = opened
    );
    intents json := (
        SELECT json_agg(public.ledger_intent(given, 'intent', asked) ORDER BY place)
        FROM unnest(sessions) WITH ORDINALITY AS each (given, place)
    );
    entries uuid[];
    fields json;
BEGIN
    -- As in `ledger_enter_each`: nobody covers more under the entry from here on.
    PERFORM pg_advisory_xact_lock(hashtextextended(opened::text, 7528300159));
    PERFORM public.ledger_check_each('shown', ARRAY[opened], json_build_array(shown));
    -- What is checked of a person is their agency, roles and covert groups. All else is the same for all of them.
    PERFORM public.ledger_check_each('intent', '{}', json_build_array(one.intent)) FROM (
        SELECT DISTINCT ON (intent ->> 'agency', intent ->> 'groups', public.people_roles(intent ->> 'person')) intent
        FROM json_array_elements(intents) AS intent
    ) AS one;
    fields := public.ledger_all_shown(opened, shown);
    IF octet_length(fields::text) * (1 + cardinality(sessions)) > 1048576 THEN
        RAISE EXCEPTION 'this is too long for the ledger' USING ERRCODE = 'check_violation';
    END IF;
    entries := opened || public.ledger_enter_checked('intent', '{}', intents);
    PERFORM public.ledger_enter_checked('shown', entries, (SELECT json_agg(fields) FROM unnest(entries)));
END
$$;

REVOKE ALL ON FUNCTION ledger_show_others FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_show_others TO platepost_web;
