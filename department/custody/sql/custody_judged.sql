-- after: custody_stored
-- The last judgment of each record.
CREATE OR REPLACE VIEW custody_judged WITH (security_invoker = true) AS
SELECT
    r.id, r.class, r.retained_from, r.kept_at, r.topic, r.post, r.chain, r.sequence, r.digest, r.previous, r.type,
    coalesce(j.verdict, r.verdict) AS verdict,
    CASE WHEN j.verdict IS NULL THEN r.key ELSE j.key END AS key,
    coalesce(j.reason, r.reason) AS reason,
    r.names, r.covert_group, r.codec, r.body, r.constants, r.parts
FROM custody_stored r
LEFT JOIN LATERAL (
    SELECT verdict, key, reason FROM custody_rejudged
    WHERE record_id = r.id AND class = r.class AND retained_from = r.retained_from
    ORDER BY id DESC LIMIT 1
) j ON true;

GRANT SELECT ON custody_judged TO platepost_keeper, platepost_web, platepost_webhook;
