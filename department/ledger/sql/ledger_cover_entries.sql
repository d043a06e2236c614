-- after: ledger_log_bound
-- Covers entries of the ledger under an open entry `log_intent`: they can be read once that is committed, and are in what
-- closes it. Those for which all holds that `asked` states: `fields` of bodies, each with the values that fit, `events`,
-- `since`, `until`, `refers_to`, `before` (a number), `numbers`, and `entries`; the latest `most` of them. With `closing`
-- also what closes each. Returns nothing of them.
CREATE OR REPLACE FUNCTION ledger_cover_entries(opened uuid, asked jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bound uuid[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- By an older snapshot, what others have closed since would not be seen.
        RAISE EXCEPTION 'this needs the isolation level READ COMMITTED' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(opened::text, 7528300159));
    bound := public.ledger_log_bound(opened);
    EXECUTE 'WITH chosen AS (SELECT line.number, line.entry FROM public.ledger_entry AS line WHERE ' || concat_ws(' AND ',
        'true',
        CASE WHEN bound IS NOT NULL THEN 'line.entry = ANY ($3)' END,
        CASE WHEN asked ? 'fields' THEN 'NOT EXISTS (SELECT FROM jsonb_each($2 -> ''fields'') AS wanted WHERE NOT EXISTS ('
            'SELECT FROM public.ledger_body AS body WHERE body.entry = line.entry AND body.field = wanted.key'
            ' AND wanted.value ? body.value))' END,
        CASE WHEN asked ? 'events' THEN '$2 -> ''events'' ? line.event' END,
        CASE WHEN asked ? 'since' THEN 'line.at >= ($2 ->> ''since'')::timestamptz' END,
        CASE WHEN asked ? 'until' THEN 'line.at < ($2 ->> ''until'')::timestamptz' END,
        CASE WHEN asked ? 'refers_to' THEN 'line.refers_to = ($2 ->> ''refers_to'')::uuid' END,
        CASE WHEN asked ? 'before' THEN 'line.number < ($2 ->> ''before'')::bigint' END,
        CASE WHEN asked ? 'numbers' THEN
            'line.number = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''numbers''))::bigint[])' END,
        CASE WHEN asked ? 'entries' THEN
            'line.entry = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''entries''))::uuid[])' END
    ) || ' ORDER BY line.number DESC LIMIT ($2 ->> ''most'')::bigint)'
        ' INSERT INTO public.ledger_covered (entry, number) SELECT $1, number FROM chosen UNION'
        ' SELECT $1, later.number FROM chosen JOIN public.ledger_entry AS later ON later.refers_to = chosen.entry'
        ' AND later.event IN (''shown'', ''failed'') WHERE $2 ? ''closing'''
    USING opened, asked, bound;
END
$$;

REVOKE ALL ON FUNCTION ledger_cover_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_cover_entries TO platepost_web;
