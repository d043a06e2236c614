-- after: policy_word
-- Why the policy does not allow something for what was written of it; null where it does. As `Policy.require`.
-- `roles`: of the person, or null where the program itself looks, for no person's search. `console`: whether a step at
-- the console asks. `any_case`: the case number is another's, and not as this department numbers its own.
CREATE OR REPLACE FUNCTION policy_refusal(
    wanted text, "case" text, reason text, exigent boolean, roles text[], console boolean, any_case boolean
) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    known public.policy_purpose;
    rules public.policy_rules;
    named text;
    number text := btrim(coalesce("case", ''));
BEGIN
    SELECT * INTO rules FROM public.policy_rules;
    IF rules IS NULL THEN
        RETURN 'the database has no policy: run `platepost department upgrade`';
    END IF;
    SELECT * INTO known FROM public.policy_purpose WHERE name = wanted;
    -- A purpose of the policy has its own words; so each hit at a console costs no search for others.
    SELECT format('%s, by %L', use, word) INTO named FROM public.policy_word(nullif(
        concat_ws(E'\n\n\n\n', CASE WHEN known IS NULL THEN wanted END, nullif("case", ''), nullif(reason, '')), ''
    ));
    IF named IS NOT NULL THEN
        RETURN 'the policy forbids it: ' || named;
    END IF;
    RETURN CASE
        WHEN known IS NULL THEN format('%L is not a purpose of the policy', wanted)
        WHEN known.console AND NOT console THEN format('the purpose %L is for steps at the console alone', wanted)
        WHEN console AND NOT known.console THEN 'the console shows hits for its own purpose'
        WHEN cardinality(known.roles) > 0 AND NOT known.roles && roles
            THEN format('the purpose %L is for these roles alone: %s', wanted, array_to_string(known.roles, ', '))
        WHEN exigent AND btrim(coalesce(reason, '')) = '' THEN 'an exigent search needs a reason'
        WHEN known.needs_case AND NOT exigent AND number = '' THEN format('the purpose %L needs a case number', wanted)
        WHEN number <> '' AND NOT any_case AND number !~ format('^(?:%s)$', rules.case_numbers)
            THEN 'that is not a case number of this department'
    END;
END
$$;

REVOKE ALL ON FUNCTION policy_refusal FROM PUBLIC;
