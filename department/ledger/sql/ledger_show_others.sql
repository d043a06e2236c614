-- after: ledger_append_each, ledger_intent
-- Closes an entry, and enters of each session's person the same: that they are about to see it, and what it was.
CREATE OR REPLACE FUNCTION ledger_show_others(opened uuid, sessions text[], intents json, shown json) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    known json := (
        SELECT json_agg(public.ledger_intent(given, 'intent', intents -> (place - 1)::integer) ORDER BY place)
        FROM unnest(sessions) WITH ORDINALITY AS each (given, place)
    );
    entries uuid[];
    fields json;
BEGIN
    -- As in `ledger_enter_each`: nobody covers more under the entry from here on.
    PERFORM pg_advisory_xact_lock(hashtextextended(opened::text, 7528300159));
    fields := public.ledger_all_shown(opened, shown, false);
    entries := opened || public.ledger_enter_each('intent', array_fill(NULL::uuid, ARRAY[cardinality(sessions)]), known);
    PERFORM public.ledger_append_each('shown', entries, (SELECT json_agg(fields) FROM unnest(entries)));
END
$$;

REVOKE ALL ON FUNCTION ledger_show_others FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_show_others TO platepost_web;
