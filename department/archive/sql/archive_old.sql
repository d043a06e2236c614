-- after: archive_old_groups
-- How many rows of a kind are older than a time, and how many of these stay.
CREATE OR REPLACE FUNCTION archive_old(wanted text, upto timestamptz, OUT there bigint, OUT held bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT coalesce(sum(there), 0)::bigint, coalesce(sum(held), 0)::bigint FROM archive_old_groups(wanted, upto)
$$;

REVOKE ALL ON FUNCTION archive_old FROM PUBLIC;
