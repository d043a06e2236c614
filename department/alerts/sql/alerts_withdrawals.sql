-- The records by which posts withdrew alerts because the text had changed, by alert. Of covert groups none.
CREATE OR REPLACE FUNCTION alerts_withdrawals(alerts bigint[]) RETURNS TABLE (alert bigint, withdrawal bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT gone.record_id, max(came.record_id) FROM alerts_alert AS gone
JOIN custody_withdrawal AS came ON came.hit = gone.hit AND came.post = gone.post AND came.reason = 'text_changed'
WHERE gone.record_id = ANY (alerts) AND gone.withdrawn_because = 'text_changed'
AND gone.covert_group IS NULL AND came.covert_group IS NULL
GROUP BY gone.record_id
$$;

REVOKE ALL ON FUNCTION alerts_withdrawals FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_withdrawals TO platepost_web;
