-- Fails as if a constraint named `rule` had refused.
CREATE OR REPLACE FUNCTION alerts_refuse(rule text, because text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%', because USING ERRCODE = 'check_violation', CONSTRAINT = rule;
END
$$;

REVOKE ALL ON FUNCTION alerts_refuse FROM PUBLIC;
