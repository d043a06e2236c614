-- What was ordered is not changed any more, except by who makes it; a package that failed can be ordered again. Whoever
-- makes it checks that the ledger's entry of the order has shown what it is to have: see `make_ordered_package`.
CREATE OR REPLACE FUNCTION archive_guard_evidence() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.ordered_at IS NOT NULL AND OLD.problem IS NULL
        AND (NEW.records, NEW.redactions, NEW.recipient, NEW.entry, NEW.ordered_at)
            IS DISTINCT FROM (OLD.records, OLD.redactions, OLD.recipient, OLD.entry, OLD.ordered_at) THEN
        RAISE EXCEPTION 'this package was ordered' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'archive_evidence_final';
    END IF;
    IF OLD.done_at IS NOT NULL THEN
        RAISE EXCEPTION 'this package is finished' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'archive_evidence_final';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_evidence FROM PUBLIC;

CREATE TRIGGER archive_guard_evidence BEFORE UPDATE ON archive_evidence
    FOR EACH ROW EXECUTE FUNCTION archive_guard_evidence();
