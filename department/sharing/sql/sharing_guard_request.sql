-- A request is extended once and decided by the records manager who acts, whoever entered it. A decision is final once
-- its answer was sent or records were released; until then a records manager may take it back. What was entered is
-- corrected until the request is extended or decided.
CREATE OR REPLACE FUNCTION sharing_guard_request() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    once text[] := '{due_on,extended_because,hold_id,decision,because,answers,decided_by,decided_at}';
    sending text[] := '{sent_by,sent_at}';
    logging text[] := '{log_since,log_until,log_totals}';
    reopening text[] := '{decision,because,answers,decided_by,decided_at,log_since,log_until,log_totals,reopened_by,
        reopened_at}';
    acknowledging text[] := '{acknowledged_by,acknowledged_at}';
    correcting text[] := '{kind,requester,address,says,order_number,agency,purpose,received_on,due_on,corrected_by,
        corrected_at}';
    why text;
BEGIN
    -- Who makes the log has an entry of the ledger for it, which asks for the role.
    IF TG_OP = 'UPDATE' AND OLD.decided_at IS NOT NULL AND OLD.sent_at IS NULL AND NEW.log_since IS NOT NULL
        AND to_jsonb(NEW) - logging = to_jsonb(OLD) - logging
    THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.acknowledged_at IS NULL AND NEW.acknowledged_at IS NOT NULL
        AND to_jsonb(NEW) - acknowledging = to_jsonb(OLD) - acknowledging
    THEN
        PERFORM public.sharing_require(NEW.acknowledged_by, '{records_manager}');
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.decided_at IS NOT NULL AND OLD.sent_at IS NULL AND (
        NEW.sent_at IS NOT NULL AND to_jsonb(NEW) - sending = to_jsonb(OLD) - sending
        OR NEW.decided_at IS NULL AND NEW.reopened_at IS NOT NULL
        AND to_jsonb(NEW) - reopening = to_jsonb(OLD) - reopening
        AND NOT EXISTS (SELECT FROM public.sharing_release WHERE request_id = OLD.id)
    ) THEN
        PERFORM public.sharing_require(coalesce(NEW.sent_by, NEW.reopened_by), '{records_manager}');
        RETURN NEW;
    END IF;
    -- Gov. Code 7922.535 (a).
    IF NEW.kind = 'public records' AND NEW.extended_because IS NULL AND NEW.due_on > NEW.received_on + 10 THEN
        RAISE EXCEPTION 'too late' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_request_law';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.extended_because IS NULL AND OLD.decided_at IS NULL
        AND NEW.corrected_at IS DISTINCT FROM OLD.corrected_at
        AND to_jsonb(NEW) - correcting = to_jsonb(OLD) - correcting
    THEN
        PERFORM public.sharing_require(NEW.corrected_by, '{records_manager}');
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.decided_by IS NOT NULL THEN
        PERFORM public.sharing_require(coalesce(NEW.decided_by, NEW.person), '{records_manager}');
    END IF;
    IF TG_OP = 'INSERT' AND (
            num_nonnulls(NEW.decision, NEW.extended_because, NEW.hold_id, NEW.reopened_at, NEW.sent_at,
                NEW.corrected_at, NEW.acknowledged_at, NEW.log_since) > 0
        ) OR TG_OP = 'UPDATE' AND (
            OLD.decided_at IS NOT NULL OR to_jsonb(NEW) - once <> to_jsonb(OLD) - once
            OR (OLD.extended_because IS NOT NULL OR NEW.extended_because IS NULL) AND NEW.due_on <> OLD.due_on
        )
    THEN
        RAISE EXCEPTION 'a request is extended once, and its decision stays once its answer was sent'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
    END IF;
    -- Gov. Code 7922.535 (b): once, by 14 days.
    IF TG_OP = 'UPDATE' AND NEW.due_on > OLD.due_on + 14 THEN
        RAISE EXCEPTION 'too long' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_extended';
    END IF;
    IF NEW.kind = 'agency' AND NEW.decision <> 'denied' THEN
        why := public.ledger_agency_refusal(NEW.agency, NEW.purpose, 'release', clock_timestamp());
        IF why IS NOT NULL THEN
            RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION sharing_guard_request FROM PUBLIC;

CREATE TRIGGER sharing_guard_request BEFORE INSERT OR UPDATE ON sharing_request
    FOR EACH ROW EXECUTE FUNCTION sharing_guard_request();
