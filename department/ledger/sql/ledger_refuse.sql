-- Triggers bind the owner too, whom no grant binds. The statement fails even where it would change no row.
CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed: % of %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

REVOKE ALL ON FUNCTION ledger_refuse FROM PUBLIC;

CREATE TRIGGER ledger_entry_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final;
CREATE TRIGGER ledger_body_is_final BEFORE UPDATE OR TRUNCATE ON ledger_body
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_body ENABLE ALWAYS TRIGGER ledger_body_is_final;
CREATE TRIGGER ledger_agreement_is_not_born_confirmed BEFORE INSERT ON ledger_agreement
    FOR EACH ROW WHEN (NEW.confirmed_by IS NOT NULL) EXECUTE FUNCTION ledger_refuse();
