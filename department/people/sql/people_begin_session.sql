-- Sessions of the pages. The pages' role reaches one by its key alone, and begins one only for somebody whose log-on
-- is in the ledger: to invent a session is to leave a log-on that nobody made.
CREATE OR REPLACE FUNCTION people_begin_session(given text, who text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entered uuid;
BEGIN
    SELECT line.entry INTO entered FROM public.ledger_entry AS line
    JOIN public.ledger_body AS body ON body.entry = line.entry AND body.field = 'person'
    WHERE line.event = 'log_on' AND line.at > clock_timestamp() - interval '1 minute'
    AND pg_xact_status(line.transaction) = 'committed' AND body.value::json #>> '{}' = who
    AND NOT EXISTS (SELECT FROM public.people_session AS known WHERE known.log_on = line.entry)
    ORDER BY line.number DESC LIMIT 1;
    IF entered IS NULL AND coalesce(nullif(current_setting('role'), 'none'), session_user) = 'platepost_web' THEN
        RAISE EXCEPTION 'this person has not just signed in' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM public.people_session WHERE began_at < clock_timestamp() - interval '12 hours';
    INSERT INTO public.people_session (key, person_id, log_on)
    SELECT sha256(convert_to(given, 'UTF8')), person.id, entered FROM public.people_person AS person
    WHERE person.login = who AND person.disabled_at IS NULL;
END
$$;

REVOKE ALL ON FUNCTION people_begin_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_begin_session TO platepost_web;
