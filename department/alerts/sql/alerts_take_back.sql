-- Withdraws alerts, those that can be. Nothing of it fails: it is part of the transaction in which the keeper stores
-- records.
CREATE OR REPLACE FUNCTION alerts_take_back(records bigint[], because text, who text, closed_too boolean)
RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    taken bigint[];
BEGIN
    -- First, in a statement of its own: the next one sees what the alerts became while this one waited.
    PERFORM FROM alerts_alert AS alert WHERE alert.record_id = ANY (records) ORDER BY alert.record_id FOR UPDATE;
    WITH matched AS (
        SELECT alert.record_id, alert.revision FROM alerts_alert AS alert
        WHERE alert.record_id = ANY (records) AND (closed_too OR alert.state <> 'closed')
        AND alert.state IN (SELECT from_state FROM alerts_transition WHERE step = 'withdraw')
        ORDER BY alert.record_id FOR UPDATE
    ), added AS (
        INSERT INTO alerts_step (record_id, revision, step, person, reason, by_program)
        SELECT record_id, revision, 'withdraw', who, because, true FROM matched RETURNING record_id
    )
    SELECT array_agg(record_id) INTO taken FROM added;
    RETURN coalesce(taken, '{}');
END
$$;

REVOKE ALL ON FUNCTION alerts_take_back FROM PUBLIC;
