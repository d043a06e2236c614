-- Covers what an intent names itself: a console's entry opens the hits that it lists, and by what their posts withdrew
-- them, and a sample's the sampled read.
-- Of a hit that is open, a console's entry may name `trail`, too: the reads of its plate in the hour before it. Nothing
-- more can be covered under either.
CREATE OR REPLACE FUNCTION ledger_cover_asked(opened uuid, fields json) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked jsonb := fields::jsonb -> 'query';
    own text[] := ARRAY(SELECT json_array_elements_text(fields -> 'groups'));
BEGIN
    IF jsonb_typeof(asked -> 'console') = 'array' THEN
        INSERT INTO public.ledger_covered (entry, record, covert_group)
        SELECT opened, alert.record_id, alert.covert_group FROM public.alerts_alert AS alert
        WHERE alert.record_id IN (
            SELECT item::bigint FROM jsonb_array_elements_text(asked -> 'console') AS item WHERE item ~ '^[0-9]{1,18}$'
        ) AND (alert.covert_group IS NULL OR alert.covert_group = ANY (own)) LIMIT 1000;
        INSERT INTO public.ledger_covered (entry, record, covert_group)
        SELECT opened, gone.record_id, gone.covert_group FROM public.ledger_covered AS hit
        JOIN public.alerts_alert AS alert ON alert.record_id = hit.record AND alert.state = 'withdrawn'
        JOIN public.custody_withdrawal AS gone ON gone.hit = alert.hit AND gone.post = alert.post
            AND gone.covert_group IS NOT DISTINCT FROM alert.covert_group
        WHERE hit.entry = opened;
        IF asked ->> 'trail' ~ '^[0-9]{1,18}$' AND (asked -> 'console') @> (asked -> 'trail') THEN
            INSERT INTO public.ledger_covered (entry, record, covert_group)
            SELECT opened, past.record_id, coalesce(alert.covert_group, past.covert_group)
            FROM public.alerts_alert AS alert
            JOIN public.custody_hit AS hit
                ON hit.record_id = alert.record_id AND hit.retained_from = alert.retained_from
            JOIN public.custody_read AS past ON past.plate_fold = hit.plate_fold
                AND past.captured_at >= hit.captured_at - interval '1 hour' AND past.captured_at < hit.captured_at
                AND past.retained_from >= hit.captured_at - interval '1 hour' AND past.class <> 'doubtful'
            WHERE alert.record_id = (asked ->> 'trail')::bigint
            AND alert.state IN ('new', 'taken', 'waiting', 'confirmed', 'actionable')
            AND (alert.covert_group IS NULL OR alert.covert_group = ANY (own))
            AND (past.covert_group IS NULL OR past.covert_group = ANY (own))
            ORDER BY past.captured_at LIMIT 200;
        END IF;
    ELSIF jsonb_typeof(asked -> 'sample') = 'number' THEN
        INSERT INTO public.ledger_covered (entry, record)
        SELECT opened, sample.record_id FROM public.alerts_sample AS sample WHERE to_jsonb(sample.id) = asked -> 'sample';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger_cover_asked FROM PUBLIC;
