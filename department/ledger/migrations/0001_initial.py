"""The ledger: entries, their bodies, the functions that make an entry and tell whether one is open."""

from django.db import migrations

TABLES = """
CREATE TABLE ledger_event (
    event text COLLATE "C" PRIMARY KEY,
    class text COLLATE "C" NOT NULL,
    CHECK (event ~ '^[a-z_]+$' AND class ~ '^[a-z_]+$')
);
INSERT INTO ledger_event VALUES
    ('intent', 'access'), ('shown', 'access'), ('failed', 'access'), ('erased', 'permanent');

CREATE TABLE ledger_entry (
    number bigint PRIMARY KEY CHECK (number >= 1),
    entry uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    event text COLLATE "C" NOT NULL REFERENCES ledger_event,
    class text COLLATE "C" NOT NULL,
    refers_to uuid REFERENCES ledger_entry (entry),
    commitments jsonb NOT NULL,
    previous bytea NOT NULL CHECK (length(previous) = 32),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    -- Not part of the chain: tells a committed entry from one of the transaction that reads.
    transaction xid8 NOT NULL
);
-- An intent is closed once.
CREATE UNIQUE INDEX ledger_entry_refers_to ON ledger_entry (refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX ledger_entry_erased ON ledger_entry (number) WHERE event = 'erased';

CREATE TABLE ledger_body (
    entry uuid NOT NULL REFERENCES ledger_entry (entry),
    field text COLLATE "C" NOT NULL CHECK (field ~ '^[a-z][a-z_]{0,39}$'),
    salt bytea NOT NULL CHECK (length(salt) = 16),
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (entry, field)
);
"""

# Triggers hold the owner too, whom no grant binds. The statement fails even where it would change no row.
TRIGGERS = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed: % of %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER ledger_entry_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_body_is_final BEFORE UPDATE OR TRUNCATE ON ledger_body
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- A body goes when an entry says that its class has ended, and not before.
CREATE FUNCTION ledger_refuse_early() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.ledger_entry AS body_of
        JOIN public.ledger_entry AS erased ON erased.event = 'erased'
        JOIN public.ledger_body AS class ON class.entry = erased.entry AND class.field = 'class'
        JOIN public.ledger_body AS until ON until.entry = erased.entry AND until.field = 'until'
        WHERE body_of.entry = OLD.entry AND body_of.class <> 'permanent'
        AND class.value::jsonb #>> '{}' = body_of.class AND (until.value::jsonb #>> '{}')::timestamptz > body_of.at
    ) THEN
        RAISE EXCEPTION 'the class of this body has not ended' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER ledger_body_ends_with_its_class BEFORE DELETE ON ledger_body
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_early();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final;
ALTER TABLE ledger_body ENABLE ALWAYS TRIGGER ledger_body_is_final;
ALTER TABLE ledger_body ENABLE ALWAYS TRIGGER ledger_body_ends_with_its_class;
"""

# Number, time, salts and digest are the database's, so that whoever may append cannot choose them. The lock is held
# until the transaction ends: a number that is rolled back is given again, and none is missing.
APPEND = """
CREATE FUNCTION ledger_append(event text, refers_to uuid, fields json) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    line public.ledger_entry;
    bodies public.ledger_body[];
    head record;
    named text;
BEGIN
    line.entry := gen_random_uuid();
    line.event := event;
    line.refers_to := refers_to;
    SELECT catalog.class INTO line.class FROM public.ledger_event AS catalog WHERE catalog.event = line.event;
    IF (refers_to IS NOT NULL) <> (event IN ('shown', 'failed')) OR refers_to IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.ledger_entry AS intent WHERE intent.entry = line.refers_to AND intent.event = 'intent'
    ) THEN
        RAISE EXCEPTION '% refers to an intent, nothing else to anything', event USING ERRCODE = 'check_violation';
    END IF;
    IF event = 'erased' AND (
        fields ->> 'class' IS NULL OR coalesce(fields ->> 'until', '') !~ 'Z$'
        OR NOT (fields ->> 'until')::timestamptz BETWEEN 'epoch' AND clock_timestamp()
    ) THEN
        RAISE EXCEPTION 'what is erased needs a class and a time in the past, in UTC' USING ERRCODE = 'check_violation';
    END IF;

    SELECT array_agg(ROW(line.entry, given.key, uuid_send(gen_random_uuid()), given.value::text)::public.ledger_body)
    INTO bodies FROM json_each(fields) AS given;
    SELECT coalesce(jsonb_object_agg(made.field, made.commitment), '{}'),
        coalesce(string_agg(format('"%s":"%s"', made.field, made.commitment), ',' ORDER BY made.field), '')
    INTO line.commitments, named
    FROM (
        SELECT body.field, encode(sha256(
            body.salt || convert_to(body.field, 'UTF8') || decode('00', 'hex') || convert_to(body.value, 'UTF8')
        ), 'hex') AS commitment
        FROM unnest(bodies) AS body
    ) AS made;

    PERFORM pg_advisory_xact_lock(7528300157);
    SELECT last.number, last.digest INTO head FROM public.ledger_entry AS last ORDER BY last.number DESC LIMIT 1;
    line.number := coalesce(head.number, 0) + 1;
    line.previous := coalesce(head.digest, decode(repeat('00', 32), 'hex'));
    line.at := clock_timestamp();
    line.transaction := pg_current_xact_id();
    -- RFC 8785 by hand: members in order, and nothing in the values that needs an escape.
    line.digest := sha256(convert_to(format(
        '{"at":"%s","class":"%s","commitments":{%s},"entry":"%s","event":"%s","number":%s,"previous":"%s","refers_to":%s}',
        to_char(line.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), line.class, named, line.entry, event,
        line.number, encode(line.previous, 'hex'), coalesce('"' || refers_to || '"', 'null')
    ), 'UTF8'));
    INSERT INTO public.ledger_entry SELECT line.*;
    INSERT INTO public.ledger_body SELECT body.* FROM unnest(bodies) AS body;
    RETURN line.entry;
END
$$;
"""

# An intent of the transaction that reads is not open: rolled back, it would leave no trace of what was read.
OPEN = """
CREATE FUNCTION ledger_open() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.ledger_entry AS intent
    WHERE intent.entry = nullif(current_setting('platepost.entry', true), '')::uuid
    AND intent.event = 'intent'
    AND intent.at > clock_timestamp() - interval '5 minutes'
    AND pg_xact_status(intent.transaction) = 'committed'
    AND NOT EXISTS (SELECT FROM public.ledger_entry AS later WHERE later.refers_to = intent.entry)
)
$$;

CREATE FUNCTION ledger_groups() RETURNS text[]
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(array_agg(name), '{}')
FROM public.ledger_body AS body, json_array_elements_text(body.value::json) AS name
WHERE public.ledger_open() AND body.field = 'groups'
AND body.entry = nullif(current_setting('platepost.entry', true), '')::uuid
$$;
"""

GRANTS = """
REVOKE ALL ON FUNCTION ledger_refuse(), ledger_refuse_early(), ledger_append(text, uuid, json),
    ledger_open(), ledger_groups() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_append(text, uuid, json) TO platepost_web, platepost_purger;
GRANT EXECUTE ON FUNCTION ledger_open(), ledger_groups() TO
    platepost_web, platepost_auditor, platepost_keeper, platepost_purger;
GRANT SELECT ON ledger_event, ledger_entry, ledger_body TO platepost_auditor;
GRANT SELECT ON ledger_event, ledger_entry TO platepost_purger;
GRANT SELECT (entry, field), DELETE ON ledger_body TO platepost_purger;
"""


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies = []
    operations = [migrations.RunSQL(TABLES + TRIGGERS + APPEND + OPEN + GRANTS)]
