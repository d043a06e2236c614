-- Who accessed a post itself, by stills, recordings and technicians' sessions, is in the ledger, too. The keeper
-- projects such a record once, when it stores it. `rebuild` makes rows anew as the owner, and enters nothing. Nobody
-- accesses a post by a covert chain, and nothing of one is entered.
CREATE OR REPLACE FUNCTION ledger_note_access() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.ledger_append('post_accessed', NULL, json_build_object(
        'record', record_id, 'post', post, 'kind', kind, 'time', at, 'person', person, 'outcome', outcome,
        'object', object
    )) FROM new_accesses WHERE covert_group IS NULL ORDER BY record_id;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION ledger_note_access FROM PUBLIC;

CREATE TRIGGER ledger_note_access AFTER INSERT ON custody_access REFERENCING NEW TABLE AS new_accesses
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION ledger_note_access();
