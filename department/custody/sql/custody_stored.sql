-- Records with what stands in `custody_constants` for most.
CREATE OR REPLACE VIEW custody_stored WITH (security_invoker = true) AS
SELECT
    r.id, r.class, r.retained_from, r.kept_at,
    coalesce(nullif(r.topic, ''), c.topic, '') AS topic, r.post, r.chain, r.sequence, r.digest, r.previous,
    coalesce(nullif(r.type, ''), c.type, '') AS type, r.verdict, coalesce(r.key, c.key) AS key, r.reason,
    r.names, r.covert_group, r.codec, r.body, r.constants, c.parts
FROM custody_record r LEFT JOIN custody_constants c ON c.number = r.constants;

GRANT SELECT ON custody_stored TO platepost_keeper, platepost_web, platepost_webhook;
