"""What a dispatcher may enter, and what becomes of a hit that comes after its entry has left the list."""

from django.db import migrations

DISPATCHERS = """
ALTER TABLE lists_policy ADD COLUMN dispatchers text[] NOT NULL DEFAULT '{}';

-- A dispatcher may do part of what an operator may: `lists_hold_dispatcher` says which.
CREATE OR REPLACE FUNCTION lists_require(who text, roles text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_user = 'platepost_web' THEN
        PERFORM public.people_require((SELECT id FROM public.people_person WHERE login = who), NULL,
            roles || CASE WHEN 'operator' = ANY (roles) THEN '{dispatcher}'::text[] END);
    END IF;
END
$$;
CREATE FUNCTION lists_hold_dispatcher() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    said jsonb := to_jsonb(NEW);
    who text := CASE WHEN TG_TABLE_NAME = 'lists_recovery' THEN said ->> 'person' WHEN TG_OP = 'INSERT'
        THEN said ->> 'author' ELSE said ->> 'ended_by' END;
    rules lists_policy;
BEGIN
    IF who IS NULL OR current_user <> 'platepost_web' THEN
        RETURN NEW; -- other roles may not even look at people's
    END IF;
    IF EXISTS (
        SELECT FROM people_role AS held JOIN people_person AS person ON person.id = held.person_id
        WHERE person.login = who AND held.ended_at IS NULL AND held.role IN ('operator', 'supervisor')
    ) THEN
        RETURN NEW;
    END IF;
    SELECT * INTO rules FROM lists_policy;
    IF TG_TABLE_NAME = 'lists_entry' AND TG_OP = 'INSERT' AND said ->> 'category' = ANY (rules.dispatchers)
        AND NOT (said ->> 'safe')::boolean AND said ->> 'distribution' IS NULL THEN
        NEW.second_person := NEW.second_person OR 'dispatcher' = ANY (rules.two_persons);
    ELSIF TG_TABLE_NAME <> 'lists_entry' OR TG_OP = 'INSERT' OR who <> said ->> 'author' THEN
        RAISE EXCEPTION 'this is not for dispatchers' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'lists_dispatcher';
    END IF;
    RETURN NEW;
END
$$;
-- Behind `lists_guarded`, by the order of their names.
CREATE TRIGGER lists_held BEFORE INSERT OR UPDATE ON lists_entry
    FOR EACH ROW EXECUTE FUNCTION lists_hold_dispatcher();
CREATE TRIGGER lists_held BEFORE INSERT ON lists_recovery FOR EACH ROW EXECUTE FUNCTION lists_hold_dispatcher();
"""
LATE = """
-- Of a post that has the old list still: the alert is taken back as it comes, and nobody stops a car that was found.
CREATE FUNCTION lists_take_back() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    listed text := (
        SELECT plate_matched FROM custody_hit WHERE record_id = NEW.record_id AND retained_from = NEW.retained_from
    );
    gone record;
BEGIN
    SELECT who INTO gone FROM (
        SELECT person AS who, at, version FROM lists_recovery WHERE plate = listed AND NEW.covert_group IS NULL
        UNION ALL
        SELECT ended_by, ended_at, unlisted_version FROM lists_entry WHERE plate = listed AND NOT safe
        AND distribution IS NOT DISTINCT FROM NEW.covert_group AND listed_version IS NOT NULL AND ended_at IS NOT NULL
    ) AS known
    -- An older list is not in force anywhere: a package is good for seven days.
    WHERE at > clock_timestamp() - interval '7 days' AND (version IS NULL OR NEW.list_version < version)
    ORDER BY at DESC LIMIT 1;
    IF FOUND AND NOT EXISTS (
        SELECT FROM lists_in_force WHERE plate = listed AND NOT safe
        AND distribution IS NOT DISTINCT FROM NEW.covert_group
    ) THEN
        PERFORM alerts_take_back(ARRAY[NEW.record_id], 'entry_removed', gone.who, true);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER lists_take_back AFTER INSERT ON alerts_alert FOR EACH ROW EXECUTE FUNCTION lists_take_back();
REVOKE ALL ON FUNCTION lists_hold_dispatcher(), lists_take_back() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    """The fifth."""

    dependencies = [("lists", "0004_covert_apart"), ("alerts", "0003_terms")]
    operations = [migrations.RunSQL(DISPATCHERS), migrations.RunSQL(LATE)]
