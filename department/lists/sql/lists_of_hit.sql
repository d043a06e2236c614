-- after: ledger_covered_records, ledger_groups
-- The entry of the list with a number, if it lists the plate of a hit, for whoever reads that hit under an open entry of
-- the ledger: what was listed belongs to the hit, whose record stands in `shown`.
CREATE OR REPLACE FUNCTION lists_of_hit(hit_record bigint, number bigint) RETURNS SETOF lists_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT listed.* FROM public.lists_entry AS listed
JOIN public.custody_hit AS hit ON hit.plate_matched = listed.plate
    AND hit.covert_group IS NOT DISTINCT FROM listed.distribution
WHERE listed.id = number AND hit.record_id = hit_record
AND public.ledger_covered_records() ? hit_record::text
AND (hit.covert_group IS NULL OR hit.covert_group = ANY (public.ledger_groups()))
$$;

REVOKE ALL ON FUNCTION lists_of_hit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_of_hit TO platepost_web;
