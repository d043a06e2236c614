-- after: policy_word
-- No row of an import is of a category that the policy forbids. For each statement: there are hundreds of thousands of
-- rows, and few categories.
CREATE OR REPLACE FUNCTION lists_guard_imported() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    forbidden record;
BEGIN
    SELECT named.* INTO forbidden
    FROM (SELECT DISTINCT category FROM new_rows) AS each, public.policy_word(each.category) AS named LIMIT 1;
    IF forbidden.use IS NOT NULL THEN
        RAISE EXCEPTION 'Refused because of the category “%”. %.', forbidden.word, forbidden.says
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_words';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION lists_guard_imported FROM PUBLIC;

CREATE TRIGGER lists_imported_worded AFTER INSERT ON lists_imported REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION lists_guard_imported();
