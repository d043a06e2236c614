-- Holds in force, as they are kept beside the database, so that those that came after a backup are placed again.
-- Records are numbered anew when posts send them again after a loss; their digests stay.
CREATE OR REPLACE FUNCTION archive_holds_aside() RETURNS SETOF jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT to_jsonb(hold) - '{id,records,passages,placed_at,lifted_by,lifted_at,lifted_because}'::text[]
    || jsonb_build_object('digests', ARRAY(
        SELECT encode(digest, 'hex') FROM custody_record WHERE id = ANY (hold.records) ORDER BY id
    ))
FROM archive_hold AS hold WHERE lifted_at IS NULL ORDER BY id
$$;

REVOKE ALL ON FUNCTION archive_holds_aside FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_holds_aside TO platepost_web;
