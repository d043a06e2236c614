-- How many rows of a kind are older than a time, and how many of these stay, by covert group.
CREATE OR REPLACE FUNCTION archive_old_groups(wanted text, upto timestamptz)
RETURNS TABLE (covert_group text, there bigint, held bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kind archive_kind;
BEGIN
    SELECT * INTO kind FROM archive_kind WHERE class = wanted;
    IF kind.relation = 'ledger_body' THEN
        RETURN QUERY SELECT NULL::text, count(*), count(*) FILTER (WHERE archive_entry_held(coalesce(refers_to, entry)))
        FROM ledger_entry AS line WHERE class = substr(wanted, 8) AND at < upto
        AND EXISTS (SELECT FROM ledger_body AS body WHERE body.entry = line.entry);
    ELSE
        RETURN QUERY EXECUTE format(
            'SELECT %s::text, count(*), count(*) FILTER (WHERE %s) FROM %I WHERE %I < $1 GROUP BY 1',
            coalesce(quote_ident(kind.group_column), 'NULL'), archive_case_held(kind.case_column), kind.relation,
            kind.at_column
        ) USING upto;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION archive_old_groups FROM PUBLIC;
