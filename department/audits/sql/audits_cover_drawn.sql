-- after: ledger_is_open, ledger_searches, policy_near
-- Draws the samples of an audit as the open entry for it states, by its seed, and covers them; returns how many searches
-- there are to draw from. Of each `near` samples one is what has nearly a forbidden word, where there is any.
CREATE OR REPLACE FUNCTION audits_cover_drawn(opened uuid, near integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked jsonb;
    auditor text;
    searches bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(opened::text, 7528300159));
    SELECT body.value::jsonb INTO asked FROM public.ledger_body AS body
    WHERE body.entry = opened AND body.field = 'query' AND public.ledger_is_open(opened, 'log_intent');
    SELECT to_jsonb(plan.auditor)::text INTO auditor FROM public.audits_plan AS plan
    WHERE to_jsonb(plan.id) = asked -> 'audit';
    IF NOT coalesce(asked ? 'seed', false) OR auditor IS NULL THEN
        RAISE EXCEPTION 'the entry is closed, too old, or draws no sample' USING ERRCODE = 'insufficient_privilege';
    END IF;
    WITH drawn AS (
        SELECT line.entry, line.number, sha256(convert_to(asked ->> 'seed' || ':' || line.number, 'UTF8')) AS place
        FROM public.ledger_searches((asked ->> 'since')::timestamptz, (asked ->> 'until')::timestamptz) AS line
        JOIN public.ledger_body AS person ON person.entry = line.entry AND person.field = 'person'
        WHERE line.event = 'intent' AND person.value <> auditor AND NOT EXISTS (
            SELECT FROM unnest('{purpose,agency}'::text[]) AS given WHERE asked ->> given <> '' AND NOT EXISTS (
                SELECT FROM public.ledger_body AS body WHERE body.entry = line.entry
                AND body.field = given AND body.value::json #>> '{}' = asked ->> given
            )
        )
    ), texts AS MATERIALIZED (  -- many searches have the same
        SELECT value FROM public.ledger_body
        WHERE field = 'reason' AND value <> 'null' AND entry IN (SELECT entry FROM drawn)
        GROUP BY value HAVING public.policy_near(value::json #>> '{}')
    ), ranked AS (
        SELECT drawn.number, place, is_near, row_number() OVER (PARTITION BY is_near ORDER BY place) AS rank
        FROM drawn, LATERAL (SELECT EXISTS (
            SELECT FROM public.ledger_body JOIN texts USING (value) WHERE entry = drawn.entry AND field = 'reason'
        ) AS is_near) AS matched
    ), covered AS (
        INSERT INTO public.ledger_covered (entry, number)
        SELECT opened, number FROM ranked
        ORDER BY NOT (is_near AND rank <= -div(-(asked ->> 'samples')::numeric, near)), place
        LIMIT (asked ->> 'samples')::integer
    )
    SELECT count(*) INTO searches FROM ranked;
    RETURN searches;
END
$$;

REVOKE ALL ON FUNCTION audits_cover_drawn FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_cover_drawn TO platepost_web;
