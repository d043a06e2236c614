-- Leaves of the Merkle trees behind checkpoints, behind an id, in order: digests of entries, or of records that belong
-- to no covert group. An entry's digest is made of salted commitments, a record's of random identifiers: neither tells a
-- plate.
CREATE OR REPLACE FUNCTION ledger_leaves(tree text, after bigint, most integer)
RETURNS TABLE (id bigint, digest bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF ledger_leaves.tree = 'entries' THEN
        RETURN QUERY SELECT line.number, line.digest FROM public.ledger_entry AS line
            WHERE line.number > after ORDER BY line.number LIMIT least(most, 256);
    ELSE
        RETURN QUERY SELECT known.id, known.digest FROM public.custody_record AS known
            WHERE known.covert_group IS NULL AND known.id > after ORDER BY known.id LIMIT least(most, 256);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger_leaves FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_leaves TO platepost_keeper, platepost_public;

GRANT SELECT, INSERT ON ledger_node TO platepost_keeper;
GRANT SELECT ON ledger_node TO platepost_public;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_sent TO platepost_keeper;
GRANT SELECT ON ledger_sent TO platepost_public, platepost_web, platepost_metrics;
