-- Whether a reader who is in some covert groups sees a field: see `ledger_body.sql`.
CREATE OR REPLACE FUNCTION ledger_visible(field text, value text, groups text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE field
    WHEN 'groups' THEN value <> '[]' AND ARRAY(SELECT json_array_elements_text(value::json)) <@ groups
    WHEN 'covert' THEN value <> '{}' AND ARRAY(SELECT json_object_keys(value::json)) <@ groups
    ELSE true
END
$$;

REVOKE ALL ON FUNCTION ledger_visible FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_visible TO platepost_web, platepost_auditor, platepost_misuse;
