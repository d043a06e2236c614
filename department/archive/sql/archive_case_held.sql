-- The condition, as SQL, by which rows of a kind stay: their case is on hold, in small letters or capitals. Kinds may
-- have no column for the case.
CREATE OR REPLACE FUNCTION archive_case_held(case_column text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT coalesce('coalesce(lower(' || quote_ident(case_column)
    || ') IN (SELECT lower(case_number) FROM archive_hold WHERE lifted_at IS NULL), false)', 'false')
$$;

REVOKE ALL ON FUNCTION archive_case_held FROM PUBLIC;
