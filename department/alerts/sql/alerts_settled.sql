-- Where two people say the same, that counts.
CREATE OR REPLACE VIEW alerts_settled AS SELECT sample_id, verdict FROM alerts_label GROUP BY 1, 2 HAVING count(*) > 1;

GRANT SELECT ON alerts_settled TO platepost_web, platepost_auditor;
