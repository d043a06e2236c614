-- Whether an entry of the ledger, or what closes it, is of a case that is on hold, or names a record that is held.
-- Found by indexes, however long the ledger and however many the holds.
CREATE OR REPLACE FUNCTION archive_entry_held(root uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    cases text[];
    numbers bigint[];
BEGIN
    -- OFFSET: by the entry, and not through all that have such fields.
    WITH bodies AS MATERIALIZED (
        SELECT body.field, body.value::jsonb AS value FROM ledger_entry AS line, LATERAL (
            SELECT field, value FROM ledger_body WHERE entry = line.entry OFFSET 0
        ) AS body
        WHERE (line.entry = root OR line.refers_to = root AND line.event IN ('shown', 'failed'))
        AND body.field IN ('case', 'record', 'records', 'covert')
    )
    SELECT ARRAY(SELECT lower(value #>> '{}') FROM bodies WHERE field = 'case'), ARRAY(
        SELECT (one #>> '{}')::bigint FROM bodies, jsonb_path_query(value, 'strict $.**') AS one
        WHERE field <> 'case' AND jsonb_typeof(one) = 'number'
    ) INTO cases, numbers;
    RETURN EXISTS (SELECT FROM archive_hold WHERE lifted_at IS NULL AND lower(case_number) = ANY (cases))
        OR EXISTS (SELECT FROM custody_record WHERE class = 'held' AND id = ANY (numbers))
        -- Counted: to find the first, the planner would go through all holds.
        OR (SELECT count(*) FROM archive_hold WHERE lifted_at IS NULL AND records && numbers) > 0;
END
$$;

REVOKE ALL ON FUNCTION archive_entry_held FROM PUBLIC;
