-- after: policy_folded
-- The first forbidden use that a text names, and the word by which it does, folded; no row where there is none. In
-- PL/pgSQL, so that it is planned once a session.
CREATE OR REPLACE FUNCTION policy_word(written text) RETURNS TABLE (use text, says text, word text)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    folded text := public.policy_folded(written);
BEGIN
    RETURN QUERY SELECT each.name, each.says, matched.word
    FROM public.policy_forbidden AS each, LATERAL (
        SELECT substring(
            regexp_replace(folded, each.innocent || '[A-Za-z0-9]*', ' ', 'g') FROM each.pattern || '[A-Za-z0-9]*'
        ) AS word
    ) AS matched
    WHERE matched.word IS NOT NULL ORDER BY each.place LIMIT 1;
END
$$;

REVOKE ALL ON FUNCTION policy_word FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_word TO platepost_web, platepost_signer;
