-- When each post's last synthetic hit came, and nothing else of any hit. As the owner, to whom row security does not
-- apply: a synthetic hit shows no vehicle.
CREATE OR REPLACE FUNCTION custody_synthetic_kept() RETURNS TABLE (post text, captured_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT hit.post, max(hit.captured_at) FROM public.custody_hit AS hit
    WHERE hit.class = 'hit' AND hit.synthetic AND hit.covert_group IS NULL
    AND hit.retained_from > now() - interval '31 days'
    GROUP BY hit.post
$$;

REVOKE ALL ON FUNCTION custody_synthetic_kept FROM PUBLIC;
GRANT EXECUTE ON FUNCTION custody_synthetic_kept TO platepost_web, platepost_metrics;
