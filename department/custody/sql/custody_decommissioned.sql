-- Posts whose last report is that they are out of service: nobody waits for them. For the pages, which read no audit
-- trail without an entry: the names alone, and none of a covert record.
CREATE OR REPLACE FUNCTION custody_decommissioned() RETURNS TABLE (post text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT gone.post FROM public.custody_audit AS gone
WHERE gone.class = 'log' AND gone.covert_group IS NULL AND gone.kind = 'decommissioned'
AND gone.retained_from > now() - interval '62 days' AND NOT EXISTS (
    SELECT FROM public.custody_status AS status WHERE status.post = gone.post AND status.class = 'log'
    AND status.covert_group IS NULL AND status.state <> 'offline' AND status.at > gone.at
    AND status.retained_from > now() - interval '62 days'
)
$$;

REVOKE ALL ON FUNCTION custody_decommissioned FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_decommissioned TO platepost_web, platepost_metrics;
