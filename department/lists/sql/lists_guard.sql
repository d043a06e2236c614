-- Who may take a plate off the list, release an import that was held, or ask for publishing.
CREATE OR REPLACE FUNCTION lists_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'lists_recovery' THEN
        PERFORM public.lists_require(NEW.person, '{operator,supervisor}');
    ELSIF TG_TABLE_NAME = 'lists_import' THEN
        IF OLD.let_go_at IS NOT NULL AND NEW.let_go_at IS DISTINCT FROM OLD.let_go_at THEN
            RAISE EXCEPTION 'it was let go' USING ERRCODE = 'check_violation', CONSTRAINT = 'lists_final';
        END IF;
        IF NEW.let_go_at IS NOT NULL AND OLD.let_go_at IS NULL THEN
            PERFORM public.lists_require(NEW.let_go_by, '{supervisor}');
        END IF;
    ELSE
        IF TG_OP = 'INSERT' THEN
            PERFORM public.lists_require(NEW.person,
                CASE WHEN NEW.override IS NULL THEN '{operator,supervisor}'::text[] ELSE '{supervisor}' END);
            PERFORM pg_notify('lists_request', '');
        ELSIF OLD.state = 'published' OR (OLD.state = 'held') <> (NEW.state = 'let_go')
            OR current_user IN ('platepost_web', 'platepost_command') AND NEW.state <> 'let_go' THEN
            RAISE EXCEPTION 'it was published, or must be let go' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'lists_final';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION lists_guard FROM PUBLIC;

CREATE TRIGGER lists_guarded BEFORE INSERT ON lists_recovery FOR EACH ROW EXECUTE FUNCTION lists_guard();
CREATE TRIGGER lists_guarded BEFORE UPDATE ON lists_import FOR EACH ROW EXECUTE FUNCTION lists_guard();
CREATE TRIGGER lists_guarded BEFORE INSERT OR UPDATE ON lists_request FOR EACH ROW EXECUTE FUNCTION lists_guard();
