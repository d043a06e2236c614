-- after: lists_unconfirmed
-- An entry is approved or ended, once, and never changed. One of a category that the policy names is active at once,
-- unless another of its author's has been so for 15 minutes and nobody has approved it.
CREATE OR REPLACE FUNCTION lists_guard_entry() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rules text[] := (SELECT two_persons FROM public.lists_policy);
    at_once text[] := (SELECT policy.at_once FROM public.lists_policy AS policy);
    approvals text[] := '{approved_by,approved_at}';
    endings text[] := '{ended_by,ended_at,ended_because,over_at}';
    listings text[] := '{listed_version,listed_at,unlisted_version}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.lists_require(NEW.author, '{operator,supervisor}');
        IF current_user IN ('platepost_web', 'platepost_command') THEN
            NEW.made_at := transaction_timestamp();
        END IF;
        NEW.second_person := NEW.second_person OR rules && array_remove(ARRAY[
            'all', NEW.category, CASE WHEN NEW.distribution IS NOT NULL THEN 'covert' END,
            CASE WHEN NEW.safe THEN 'safe' END, CASE WHEN NEW.plate ~ '[?*]' THEN 'partial' END
        ], NULL);
        NEW.at_once := NEW.category = ANY (at_once) AND NOT NEW.safe AND NEW.distribution IS NULL
            AND NOT public.lists_unconfirmed(NEW.author);
        NEW.over_at := NEW.expires_at;
        IF current_user IN ('platepost_web', 'platepost_command')
            AND num_nonnulls(NEW.approved_at, NEW.ended_at, NEW.listed_version, NEW.unlisted_version) > 0 THEN
            RAISE EXCEPTION 'an entry begins unapproved and unlisted' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'lists_final';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(OLD) - approvals - endings - listings <> to_jsonb(NEW) - approvals - endings - listings
        OR OLD.ended_at IS NOT NULL AND to_jsonb(OLD) - listings <> to_jsonb(NEW) - listings
        OR OLD.approved_at IS NOT NULL
            AND (OLD.approved_by, OLD.approved_at) IS DISTINCT FROM (NEW.approved_by, NEW.approved_at)
        OR NEW.approved_at IS NOT NULL AND OLD.approved_at IS NULL AND NEW.ended_at IS NOT NULL
    THEN
        RAISE EXCEPTION 'an entry is approved or ended, once, and never changed' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'lists_final';
    END IF;
    IF NEW.approved_at IS NOT NULL AND OLD.approved_at IS NULL THEN
        PERFORM public.lists_require(NEW.approved_by, '{supervisor}');
    END IF;
    IF NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL THEN
        PERFORM public.lists_require(NEW.ended_by, '{operator,supervisor}');
        NEW.over_at := least(NEW.ended_at, OLD.over_at);
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION lists_guard_entry FROM PUBLIC;

CREATE TRIGGER lists_guarded BEFORE INSERT OR UPDATE ON lists_entry
    FOR EACH ROW EXECUTE FUNCTION lists_guard_entry();
