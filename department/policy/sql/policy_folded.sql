-- A text as words are looked for in it: `folded` in `platepost.department.policy.forbidden_words`. Null where no policy is bound.
CREATE OR REPLACE FUNCTION policy_folded(written text) RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN octet_length(written) = length(written) THEN written ELSE translate(
        regexp_replace(normalize(translate(written, look_alikes, stand_for), NFKD), invisible, '', 'g'),
        look_alikes, stand_for
    ) END FROM public.policy_rules);
END
$$;

REVOKE ALL ON FUNCTION policy_folded FROM PUBLIC;
