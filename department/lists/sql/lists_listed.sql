-- after: ledger_log_open
-- What entries are about, by their numbers, for the rules against misuse, while the ledger is open. Of covert groups
-- nothing: a second person has approved each.
CREATE OR REPLACE FUNCTION lists_listed(numbers bigint[])
RETURNS TABLE (id bigint, plate text, purpose text, case_number text, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT entry.id, entry.plate, entry.purpose, entry.case_number, entry.reason
FROM public.lists_entry AS entry
WHERE entry.id = ANY (numbers) AND NOT entry.safe AND entry.distribution IS NULL AND public.ledger_log_open()
ORDER BY entry.id
$$;

REVOKE ALL ON FUNCTION lists_listed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_listed TO platepost_misuse, platepost_command;
