-- How often posts themselves were accessed, for the first page of audits: counts alone. Who it was, the ledger shows to
-- whoever opens it. `strangers` are names of nobody who may log in; what a post does by itself has the post's name.
CREATE OR REPLACE FUNCTION audits_post_accesses(since timestamptz)
RETURNS TABLE (kind text, times bigint, strangers bigint, failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN seen.kind LIKE 'command%' THEN seen.object ELSE replace(seen.kind, '_', ' ') END, count(*),
    count(*) FILTER (WHERE seen.person <> seen.post AND NOT EXISTS (
        SELECT FROM public.people_person AS known WHERE known.login = lower(seen.person) AND known.disabled_at IS NULL
    )), count(*) FILTER (WHERE seen.outcome <> 'success')
FROM public.custody_access AS seen
WHERE seen.covert_group IS NULL AND seen.at >= since AND seen.retained_from >= since GROUP BY 1 ORDER BY 1
$$;

REVOKE ALL ON FUNCTION audits_post_accesses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audits_post_accesses TO platepost_web;
