-- Enters a row in the ledger, persons by their log-in, secrets not at all. Its argument is the event.
CREATE OR REPLACE FUNCTION people_note() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    noted jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END)
        - '{id,data,password,last_login,last_used_at}'::text[];
    console text := nullif(current_setting('platepost.console', true), '');
BEGIN
    SELECT jsonb_object_agg(regexp_replace(given.key, '_id$', ''), coalesce(to_jsonb(person.login), given.value))
    INTO noted
    FROM jsonb_each(noted) AS given LEFT JOIN public.people_person AS person
        ON given.key LIKE '%\_id' AND person.id::text = given.value::text
    WHERE given.value <> 'null';
    -- Also where people_give_approved acts as the owner for the pages.
    IF console IS NOT NULL AND coalesce(nullif(current_setting('role'), 'none'), session_user)
        NOT IN ('platepost_web', 'platepost_command') THEN
        noted := noted || jsonb_build_object('console', console);
    END IF;
    PERFORM public.ledger_append(TG_ARGV[0], NULL, noted::json);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION people_note FROM PUBLIC;

CREATE TRIGGER people_added AFTER INSERT ON people_person FOR EACH ROW EXECUTE FUNCTION people_note('person_added');
CREATE TRIGGER people_disabled AFTER UPDATE ON people_person FOR EACH ROW
    WHEN (NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL) EXECUTE FUNCTION people_note('person_disabled');
CREATE TRIGGER people_reinstated AFTER UPDATE ON people_person FOR EACH ROW
    WHEN (NEW.disabled_at IS NULL AND (OLD.disabled_at IS NOT NULL OR NEW.active_from <> OLD.active_from))
    EXECUTE FUNCTION people_note('person_reinstated');
CREATE TRIGGER people_password AFTER UPDATE ON people_person FOR EACH ROW
    WHEN (NEW.password <> OLD.password) EXECUTE FUNCTION people_note('password_set');
CREATE TRIGGER people_given AFTER INSERT ON people_role FOR EACH ROW EXECUTE FUNCTION people_note('role_given');
CREATE TRIGGER people_ended AFTER UPDATE ON people_role FOR EACH ROW EXECUTE FUNCTION people_note('role_ended');
CREATE TRIGGER people_noted AFTER INSERT ON people_certificate
    FOR EACH ROW EXECUTE FUNCTION people_note('certificate_noted');
CREATE TRIGGER people_noted AFTER INSERT ON people_training FOR EACH ROW EXECUTE FUNCTION people_note('training_noted');
CREATE TRIGGER people_requested AFTER INSERT ON people_request
    FOR EACH ROW EXECUTE FUNCTION people_note('access_requested');
CREATE TRIGGER people_decided AFTER UPDATE ON people_request
    FOR EACH ROW EXECUTE FUNCTION people_note('access_decided');
CREATE TRIGGER people_named AFTER INSERT ON people_console FOR EACH ROW EXECUTE FUNCTION people_note('console_named');
CREATE TRIGGER people_ended AFTER UPDATE ON people_console FOR EACH ROW EXECUTE FUNCTION people_note('console_ended');
CREATE TRIGGER people_locked AFTER INSERT ON people_lock FOR EACH ROW EXECUTE FUNCTION people_note('log_on_locked');
CREATE TRIGGER people_released AFTER UPDATE ON people_lock FOR EACH ROW EXECUTE FUNCTION people_note('log_on_released');
CREATE TRIGGER people_factor_added AFTER INSERT ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION people_note('factor_added');
CREATE TRIGGER people_factor_removed AFTER DELETE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION people_note('factor_removed');
CREATE TRIGGER people_mapped AFTER INSERT ON people_provider_group
    FOR EACH ROW EXECUTE FUNCTION people_note('group_mapped');
CREATE TRIGGER people_unmapped AFTER DELETE ON people_provider_group
    FOR EACH ROW EXECUTE FUNCTION people_note('group_unmapped');
CREATE TRIGGER people_joined AFTER INSERT ON people_covert FOR EACH ROW EXECUTE FUNCTION people_note('covert_joined');
CREATE TRIGGER people_left AFTER UPDATE ON people_covert FOR EACH ROW EXECUTE FUNCTION people_note('covert_left');
CREATE TRIGGER people_exercised AFTER INSERT ON people_exercise
    FOR EACH ROW EXECUTE FUNCTION people_note('exercises_done');
