-- A department asks a partner under an agreement about queries, and answers no more an hour than the agreement allows.
-- What was exchanged stays.
CREATE OR REPLACE FUNCTION federation_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    later text[] := '{decision,entry,case_number,salt}';
    agreed record;
    why text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - later <> to_jsonb(OLD) - later OR OLD.decision IS NOT NULL AND (
            NEW.decision <> OLD.decision OR NEW.entry <> OLD.entry
        ) OR OLD.salt IS NOT NULL AND (NEW.salt, NEW.case_number) IS DISTINCT FROM (OLD.salt, OLD.case_number)
        THEN
            RAISE EXCEPTION 'what was exchanged stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'federation_final';
        END IF;
        RETURN NEW;
    END IF;
    NEW.at := clock_timestamp();
    IF NEW.side = 'asked' THEN
        why := public.ledger_agency_refusal(NEW.agency, NEW.purpose, 'query', NEW.at);
        IF why IS NOT NULL THEN
            RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'federation_no_agreement';
        END IF;
        RETURN NEW;
    END IF;
    -- One after the other, so that none passes another by. What no agreement is about is refused, but counts.
    PERFORM FROM public.federation_partner AS known WHERE known.agency = NEW.agency FOR UPDATE;
    SELECT agreement.per_hour AS most, agreement.purposes INTO agreed FROM public.ledger_sharing AS agreement
    WHERE agreement.agency = NEW.agency AND agreement.ended_at IS NULL AND NEW.purpose = ANY (agreement.purposes)
    AND agreement.confirmed_at IS NOT NULL AND public.ledger_today() BETWEEN agreement.begins AND agreement.ends AND agreement.per_hour IS NOT NULL
    ORDER BY agreement.per_hour DESC LIMIT 1;
    IF (
        SELECT count(*) FROM public.federation_exchange AS before
        WHERE before.agency = NEW.agency AND before.side = 'answered' AND before.at > NEW.at - interval '1 hour'
        AND (agreed.purposes IS NULL OR before.purpose = ANY (agreed.purposes))
    ) >= coalesce(agreed.most, 60) THEN
        RAISE EXCEPTION 'more than % an hour', coalesce(agreed.most, 60)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'federation_rate';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION federation_guard FROM PUBLIC;

CREATE TRIGGER federation_guard BEFORE INSERT OR UPDATE ON federation_exchange
    FOR EACH ROW EXECUTE FUNCTION federation_guard();
