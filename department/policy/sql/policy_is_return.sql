-- Whether a text looks like the return of the state's system: fields by their codes (`NIC/V123`, `DOB/1980`), a
-- registered owner, a date of birth, a vehicle identification number, or what the system writes above and below them.
CREATE OR REPLACE FUNCTION policy_is_return(written text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT normalize(written, NFKC) ~* ANY (ARRAY[
    '\m(nic|vin|lic|lis|liy|lit|oln|ols|oly|dob|nam|sex|rac|hgt|wgt|eye|hai|fbi|sid|soc|oca|ori|fcn|mke|vyr|vma|vmo|vst|vco|dot|dow|pob|msg|reg|res)\s*/\s*[[:alnum:]]',
    '\m(nic|vin|dob|oln|fcn|sid|soc)\M[\s:#=.-]{1,3}[A-Z]{0,2}[0-9]',
    '\m(date of birth|d\.o\.b\.)\D{0,5}[0-9]',
    '\m(registered owner|reg(d|\.)? owner|r/o)\s*[:=/-]',
    '\m(confirm (record )?with ori|ncic (response|record|hit)|clets (response|return)|dmv (record|return) info)\M'
]) OR written ~ '\mREGISTERED OWNER\M'
    OR upper(written) ~ '\m(?=[A-Z0-9]{0,16}[A-Z])(?=[A-Z0-9]{0,16}[0-9])[A-HJ-NPR-Z0-9]{17}\M'
$$;

REVOKE ALL ON FUNCTION policy_is_return FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_is_return TO platepost_web, platepost_signer, platepost_purger, platepost_keeper;
