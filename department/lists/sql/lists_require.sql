-- Fails unless the person for whom the pages work has one of some roles. A dispatcher may do part of what an operator
-- may: `lists_hold_dispatcher` says which.
CREATE OR REPLACE FUNCTION lists_require(who text, roles text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_user IN ('platepost_web', 'platepost_command') THEN
        PERFORM public.people_require((SELECT id FROM public.people_person WHERE login = who), NULL,
            roles || CASE WHEN 'operator' = ANY (roles) THEN '{dispatcher}'::text[] END);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION lists_require FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_require TO platepost_web, platepost_signer;
