-- Refuses a row whose columns, as the trigger names them, have a forbidden word.
CREATE OR REPLACE FUNCTION policy_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fields jsonb := to_jsonb(NEW);
    matched record;
BEGIN
    IF NOT EXISTS (SELECT FROM public.policy_rules) THEN
        RAISE EXCEPTION 'the database has no policy: run `platepost department upgrade`'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_missing';
    END IF;
    -- The gap keeps words of two columns apart.
    SELECT * INTO matched FROM public.policy_word((
        SELECT string_agg(fields ->> name, E'\n\n\n\n') FROM unnest(TG_ARGV) AS name
    ));
    IF matched.use IS NOT NULL THEN
        RAISE EXCEPTION 'Refused because of “%”. %.', matched.word, matched.says
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_words';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION policy_guard FROM PUBLIC;
