-- The weeks since 1970-01-05 in whose partitions reads lie that are kept from a moment on: its Monday, in UTC.
CREATE OR REPLACE FUNCTION search_week(retained_from timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT floor((extract(epoch FROM retained_from) - 345600) / 604800)::smallint
$$;

REVOKE ALL ON FUNCTION search_week FROM PUBLIC;
