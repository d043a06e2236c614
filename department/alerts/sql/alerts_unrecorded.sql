-- after: custody_judged
-- Alerts without their hit. Two kinds may be so: a decision may outlast its hit, which a purge has dropped; and a hit
-- that was refuted later is shown no more, but its record is there.
CREATE OR REPLACE FUNCTION alerts_unrecorded(since timestamptz, most integer) RETURNS TABLE (record_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT alert.record_id FROM alerts_alert AS alert
WHERE alert.retained_from >= since AND NOT EXISTS (
    SELECT FROM custody_hit AS known WHERE known.record_id = alert.record_id
    AND known.retained_from = alert.retained_from AND known.hit = alert.hit AND known.post = alert.post
)
AND NOT EXISTS (
    SELECT FROM archive_part AS part WHERE part.dropped_at IS NOT NULL
    AND alert.retained_from >= part.begins AND alert.retained_from < part.ends
    AND EXISTS (SELECT FROM alerts_decision AS stored WHERE stored.record_id = alert.record_id)
)
AND NOT EXISTS (
    SELECT FROM custody_judged AS judged WHERE judged.id = alert.record_id AND judged.post = alert.post
    AND judged.type = 'platepost.hit.v1' AND judged.verdict <> 'genuine'
)
ORDER BY 1 LIMIT most
$$;

REVOKE ALL ON FUNCTION alerts_unrecorded FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_unrecorded TO platepost_keeper;
