"""Who reads the ledger and what of it, how long bodies stay, reviews, and entries that wait for the disk together."""

from django.db import migrations

# What belongs to covert groups is the groups of an intent, and the field `covert` of any entry, an object by group. Who
# is in all of them, as the reader's open entry says, reads it. Where it is empty nobody does: so that it is not there
# tells nothing. The keeper sees all of it, to verify the chain.
READERS = """
CREATE FUNCTION ledger_visible(field text, value text, groups text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE field
    WHEN 'groups' THEN value <> '[]' AND ARRAY(SELECT json_array_elements_text(value::json)) <@ groups
    WHEN 'covert' THEN value <> '{}' AND ARRAY(SELECT json_object_keys(value::json)) <@ groups
    ELSE true
END
$$;

CREATE FUNCTION ledger_opened(kind text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.ledger_entry AS intent
    WHERE intent.entry = nullif(current_setting('platepost.entry', true), '')::uuid
    AND intent.event = kind
    AND intent.at > clock_timestamp() - interval '5 minutes'
    AND pg_xact_status(intent.transaction) = 'committed'
    AND NOT EXISTS (
        SELECT FROM public.ledger_entry AS later
        WHERE later.refers_to = intent.entry AND later.event IN ('shown', 'failed')
    )
)
$$;
CREATE OR REPLACE FUNCTION ledger_open() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
    $$SELECT public.ledger_opened('intent')$$;
CREATE FUNCTION ledger_log_open() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
    $$SELECT public.ledger_opened('log_intent')$$;
CREATE OR REPLACE FUNCTION ledger_groups() RETURNS text[]
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(array_agg(name), '{}')
FROM public.ledger_body AS body, json_array_elements_text(body.value::json) AS name
WHERE (public.ledger_open() OR public.ledger_log_open()) AND body.field = 'groups'
AND body.entry = nullif(current_setting('platepost.entry', true), '')::uuid
$$;

ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_body ENABLE ROW LEVEL SECURITY;
CREATE POLICY programs ON ledger_entry FOR SELECT TO platepost_auditor, platepost_keeper, platepost_purger USING (true);
CREATE POLICY log ON ledger_entry FOR SELECT TO platepost_web USING ((SELECT ledger_log_open()));
CREATE POLICY programs ON ledger_body TO platepost_keeper, platepost_purger USING (true);
CREATE POLICY groups ON ledger_body FOR SELECT TO platepost_auditor
    USING (ledger_visible(field, value, (SELECT ledger_groups())::text[]));
CREATE POLICY log ON ledger_body FOR SELECT TO platepost_web
    USING ((SELECT ledger_log_open()) AND ledger_visible(field, value, (SELECT ledger_groups())::text[]));
GRANT SELECT ON ledger_entry, ledger_body TO platepost_keeper, platepost_web;
REVOKE ALL ON FUNCTION ledger_visible(text, text, text[]), ledger_opened(text), ledger_log_open() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_visible(text, text, text[]) TO platepost_auditor, platepost_web;
GRANT EXECUTE ON FUNCTION ledger_log_open() TO platepost_web;
"""

# A class that is not in the table never ends. What each says is filled in from `platepost.department.ledger.catalog`.
ENDING = """
CREATE TABLE ledger_class (
    class text COLLATE "C" PRIMARY KEY,
    least interval NOT NULL
);
GRANT SELECT ON ledger_class TO platepost_auditor, platepost_purger;

CREATE OR REPLACE FUNCTION ledger_check(event text, refers_to uuid, fields json) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF event IN ('intent', 'log_intent') AND (fields ->> 'person' IS NULL OR fields ->> 'purpose' IS NULL) THEN
        RAISE EXCEPTION 'nobody looks without a name and a purpose' USING ERRCODE = 'check_violation';
    ELSIF event = 'erased' AND (
        coalesce(fields ->> 'until', '') !~ 'Z$' OR NOT EXISTS (
            SELECT FROM public.ledger_class AS ending WHERE ending.class = fields ->> 'class'
            AND (fields ->> 'until')::timestamptz BETWEEN 'epoch' AND clock_timestamp() - ending.least
        )
    ) THEN
        RAISE EXCEPTION 'bodies of % stay, or not until a time in UTC so late', fields ->> 'class'
            USING ERRCODE = 'check_violation';
    ELSIF event = 'exigent_reviewed' AND NOT EXISTS (
        SELECT FROM public.ledger_body AS exigent JOIN public.ledger_body AS person USING (entry)
        WHERE exigent.entry = refers_to AND exigent.field = 'exigent' AND exigent.value = 'true'
        AND person.field = 'person' AND person.value::jsonb #>> '{}' <> fields ->> 'person'
    ) THEN
        RAISE EXCEPTION 'somebody else reviews an exigent search' USING ERRCODE = 'check_violation';
    END IF;
END
$$;

-- Exigent searches that nobody has reviewed, the oldest first: neither plate nor picture.
CREATE FUNCTION ledger_open_reviews() RETURNS TABLE (entry uuid, at timestamptz, person text, purpose text, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT intent.entry, intent.at, said ->> 'person', said ->> 'purpose', said ->> 'reason'
FROM public.ledger_body AS exigent
JOIN public.ledger_entry AS intent ON intent.entry = exigent.entry AND intent.event = 'intent'
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(body.field, body.value::jsonb) AS said
    FROM public.ledger_body AS body WHERE body.entry = intent.entry AND body.field IN ('person', 'purpose', 'reason')
) AS bodies
WHERE exigent.field = 'exigent' AND exigent.value = 'true' AND NOT EXISTS (
    SELECT FROM public.ledger_entry AS review
    WHERE review.refers_to = intent.entry AND review.event = 'exigent_reviewed'
)
ORDER BY intent.number
$$;
REVOKE ALL ON FUNCTION ledger_open_reviews() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open_reviews() TO platepost_web, platepost_auditor;
"""

ALONE = """
-- For an entry of its own, as the only statement of its transaction: the lock is let go before the disk has it, so that
-- entries of many wait for the disk together. The caller waits by `ledger_flush` before it goes on.
CREATE FUNCTION ledger_append_alone(event text, refers_to uuid, fields json) RETURNS uuid
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN public.ledger_append(event, refers_to, fields);
END
$$;
-- Once this has committed, durably, so have all that committed before.
CREATE FUNCTION ledger_flush() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'ledger', '');
END
$$;
REVOKE ALL ON FUNCTION ledger_append_alone(text, uuid, json), ledger_flush() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_append_alone(text, uuid, json), ledger_flush() TO
    platepost_web, platepost_auditor, platepost_keeper, platepost_purger;
"""


class Migration(migrations.Migration):
    """The third."""

    dependencies = [("ledger", "0002_catalog")]
    operations = [migrations.RunSQL(READERS + ENDING + ALONE)]
