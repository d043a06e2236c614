-- after: policy_folded
-- Whether a text has what is nearly a forbidden word. It stops nothing, and is drawn for an audit sooner than others.
CREATE OR REPLACE FUNCTION policy_near(written text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.policy_forbidden AS each, public.policy_folded(written) AS text
    WHERE regexp_replace(text, each.innocent || '[A-Za-z0-9]*', ' ', 'g') ~ each.near
)
$$;

REVOKE ALL ON FUNCTION policy_near FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_near TO platepost_web, platepost_auditor;
