-- What the database holds by itself of people's rights: who may change what, and that each change is in the ledger.

INSERT INTO ledger_event VALUES
    ('log_on', 'access'), ('log_on_failed', 'access'), ('log_off', 'access'), ('access_refused', 'access'),
    ('log_on_locked', 'rights'), ('log_on_released', 'rights'), ('console_named', 'rights'), ('console_ended', 'rights'),
    ('person_added', 'rights'), ('person_disabled', 'rights'), ('person_reinstated', 'rights'),
    ('role_given', 'rights'), ('role_ended', 'rights'), ('certificate_noted', 'rights'), ('training_noted', 'rights'),
    ('factor_added', 'rights'), ('factor_removed', 'rights'), ('password_set', 'rights');

ALTER TABLE people_person ADD CHECK (login ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
    ADD CHECK (made_by_id <> id), ADD CHECK (sponsor_id <> id);

-- The pages act as platepost_web and name who asks. The command line acts as the owner, and needs to name nobody.
CREATE FUNCTION people_require(who bigint, subject bigint, roles text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_user = 'platepost_web' AND NOT EXISTS (
        SELECT FROM public.people_role AS held JOIN public.people_person AS person ON person.id = held.person_id
        WHERE held.person_id = who AND held.role = ANY (roles) AND held.ended_at IS NULL AND person.disabled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'this needs one of these roles: %', array_to_string(roles, ', ')
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF who = subject THEN
        RAISE EXCEPTION 'nobody changes their own rights' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

CREATE FUNCTION people_check_person() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.people_require(NEW.made_by_id, NEW.id, '{administrator}');
    ELSIF (NEW.disabled_at, NEW.active_from) IS DISTINCT FROM (OLD.disabled_at, OLD.active_from) THEN
        PERFORM public.people_require(NEW.changed_by_id, NEW.id, CASE
            WHEN NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL THEN '{administrator,supervisor}'::text[]
            ELSE '{administrator}' END);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_person
    FOR EACH ROW EXECUTE FUNCTION people_check_person();

-- Duties are apart: whose roles are of one side has none of another. As `SIDES` and `CONSOLE_ONLY` in rights.py.
CREATE FUNCTION people_check_role() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7528300158);
    PERFORM public.people_require(
        CASE TG_OP WHEN 'INSERT' THEN NEW.given_by_id ELSE NEW.ended_by_id END, NEW.person_id, '{administrator}'
    );
    IF current_user = 'platepost_web' AND NEW.role IN ('administrator', 'auditor') THEN
        RAISE EXCEPTION 'the role % is given and ended on the command line', NEW.role
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL) THEN
        RAISE EXCEPTION 'a role that was given is only ended, once' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'INSERT' AND EXISTS (
        SELECT FROM public.people_role AS held WHERE held.person_id = NEW.person_id AND held.ended_at IS NULL
        AND held.role <> NEW.role
        AND (held.role IN ('administrator', 'auditor') OR NEW.role IN ('administrator', 'auditor'))
    ) THEN
        RAISE EXCEPTION 'duties are apart: administrators and auditors have no other role' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_role
    FOR EACH ROW EXECUTE FUNCTION people_check_role();

CREATE FUNCTION people_check_noted() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'people_certificate' THEN
        PERFORM public.people_require(NEW.noted_by_id, NEW.person_id, '{administrator}');
    ELSIF TG_TABLE_NAME = 'people_training' THEN
        PERFORM public.people_require(NEW.trainer_id, NEW.person_id, '{trainer}');
    ELSIF TG_TABLE_NAME = 'people_console' THEN
        PERFORM public.people_require(
            CASE TG_OP WHEN 'INSERT' THEN NEW.named_by_id ELSE NEW.ended_by_id END, NULL, '{administrator,supervisor}'
        );
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM public.people_require(NEW.released_by_id, NEW.person_id, '{administrator,supervisor}');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER people_check BEFORE INSERT ON people_certificate FOR EACH ROW EXECUTE FUNCTION people_check_noted();
CREATE TRIGGER people_check BEFORE INSERT ON people_training FOR EACH ROW EXECUTE FUNCTION people_check_noted();
CREATE TRIGGER people_check BEFORE INSERT OR UPDATE ON people_console FOR EACH ROW EXECUTE FUNCTION people_check_noted();
CREATE TRIGGER people_check BEFORE UPDATE ON people_lock FOR EACH ROW EXECUTE FUNCTION people_check_noted();

-- Enters a row in the ledger, persons by their log-in, secrets not at all. Arguments: the event, and columns left out.
CREATE FUNCTION people_note() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    noted jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END) - '{id,data,password,last_login,last_used_at}'::text[];
    console text := nullif(current_setting('platepost.console', true), '');
BEGIN
    SELECT jsonb_object_agg(regexp_replace(given.key, '_id$', ''), coalesce(to_jsonb(person.login), given.value))
    INTO noted
    FROM jsonb_each(noted) AS given LEFT JOIN public.people_person AS person
        ON given.key LIKE '%\_id' AND person.id::text = given.value::text
    WHERE given.value <> 'null';
    IF console IS NOT NULL AND current_user <> 'platepost_web' THEN
        noted := noted || jsonb_build_object('console', console);
    END IF;
    PERFORM public.ledger_append(TG_ARGV[0], NULL, noted::json);
    RETURN NULL;
END
$$;
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
CREATE TRIGGER people_named AFTER INSERT ON people_console FOR EACH ROW EXECUTE FUNCTION people_note('console_named');
CREATE TRIGGER people_ended AFTER UPDATE ON people_console FOR EACH ROW EXECUTE FUNCTION people_note('console_ended');
CREATE TRIGGER people_locked AFTER INSERT ON people_lock FOR EACH ROW EXECUTE FUNCTION people_note('log_on_locked');
CREATE TRIGGER people_released AFTER UPDATE ON people_lock FOR EACH ROW EXECUTE FUNCTION people_note('log_on_released');
CREATE TRIGGER people_factor_added AFTER INSERT ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION people_note('factor_added');
CREATE TRIGGER people_factor_removed AFTER DELETE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION people_note('factor_removed');

REVOKE ALL ON FUNCTION people_require(bigint, bigint, text[]), people_check_person(), people_check_role(),
    people_check_noted(), people_note() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_require(bigint, bigint, text[]) TO platepost_web;
GRANT SELECT, INSERT ON people_person, people_role, people_certificate, people_training, people_device, people_console,
    people_failure, people_lock TO platepost_web;
GRANT UPDATE (password, last_login, invited_until, disabled_at, active_from, changed_by_id) ON people_person TO platepost_web;
GRANT UPDATE (ended_at, ended_by_id) ON people_role, people_console TO platepost_web;
GRANT UPDATE (released_at, released_by_id) ON people_lock TO platepost_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session, mfa_authenticator TO platepost_web;
GRANT SELECT, INSERT, UPDATE ON socialaccount_socialaccount TO platepost_web;
GRANT SELECT ON socialaccount_socialapp, socialaccount_socialtoken, account_emailaddress TO platepost_web;
-- The auditor compares the ledger with the register; passwords are no part of that.
GRANT SELECT (id, login, name, badge, agency, sponsor_id, made_at, made_by_id, active_from, disabled_at, changed_by_id, last_login)
    ON people_person TO platepost_auditor;
GRANT SELECT ON people_role, people_certificate, people_training, people_console, people_lock TO platepost_auditor;
