-- after: policy_guard, policy_is_return
-- A hold of evidence has a case number of the department. Other kinds have the number of a court, or of a request.
CREATE OR REPLACE FUNCTION archive_guard_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF btrim(NEW.case_number) !~ (CASE NEW.kind
        WHEN 'evidence' THEN (SELECT format('^(?:%s)$', case_numbers) FROM public.policy_rules)
        ELSE '^(?=.*[0-9])...'
    END) THEN
        RAISE EXCEPTION 'a hold has the number of its case' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'archive_hold_number';
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_words FROM PUBLIC;

-- A hold that a restored backup needs keeps what is there: nobody wrote it for a purpose.
CREATE TRIGGER archive_hold_numbered BEFORE INSERT ON archive_hold FOR EACH ROW
    WHEN (NEW.kind <> 'restored backup' AND NEW.case_number <> '') EXECUTE FUNCTION archive_guard_words();
CREATE TRIGGER archive_hold_worded BEFORE INSERT ON archive_hold FOR EACH ROW
    WHEN (NEW.kind <> 'restored backup') EXECUTE FUNCTION policy_guard('case_number', 'reason');

ALTER TABLE archive_hold DROP CONSTRAINT IF EXISTS archive_hold_return,
    ADD CONSTRAINT archive_hold_return CHECK (NOT policy_is_return(reason));
