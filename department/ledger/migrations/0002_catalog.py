"""The catalog of events in the database, who may enter which, and the agencies on whose behalf may be searched."""

from django.db import migrations

# What each event carries, refers to, and who may enter it, is filled in from `platepost.department.ledger.catalog`.
CATALOG = """
ALTER TABLE ledger_event
    ADD COLUMN carries text[] NOT NULL DEFAULT '{}',
    ADD COLUMN refers_to text[] NOT NULL DEFAULT '{}',
    ADD COLUMN writers text[] NOT NULL DEFAULT '{}';
-- What refers to an intent need not close it.
DROP INDEX ledger_entry_refers_to;
CREATE UNIQUE INDEX ledger_entry_closes ON ledger_entry (refers_to) WHERE event IN ('shown', 'failed');
CREATE UNIQUE INDEX ledger_entry_reviews ON ledger_entry (refers_to) WHERE event = 'exigent_reviewed';
CREATE INDEX ledger_body_exigent ON ledger_body (entry) WHERE field = 'exigent' AND value = 'true';
"""

APPEND = """
-- What an event needs besides its fields.
CREATE FUNCTION ledger_check(event text, refers_to uuid, fields json) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF event IN ('intent', 'log_intent') AND (fields ->> 'person' IS NULL OR fields ->> 'purpose' IS NULL) THEN
        RAISE EXCEPTION 'nobody looks without a name and a purpose' USING ERRCODE = 'check_violation';
    END IF;
    IF event = 'erased' AND (
        fields ->> 'class' IS NULL OR coalesce(fields ->> 'until', '') !~ 'Z$'
        OR NOT (fields ->> 'until')::timestamptz BETWEEN 'epoch' AND clock_timestamp()
    ) THEN
        RAISE EXCEPTION 'what is erased needs a class and a time in the past, in UTC' USING ERRCODE = 'check_violation';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION ledger_check(text, uuid, json) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ledger_append(event text, refers_to uuid, fields json) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    line public.ledger_entry;
    bodies public.ledger_body[];
    kind public.ledger_event;
    -- Who calls; the function itself acts as the owner.
    caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
    head record;
    named text;
BEGIN
    SELECT * INTO kind FROM public.ledger_event AS catalog WHERE catalog.event = event;
    IF kind.event IS NULL THEN
        RAISE EXCEPTION 'no event of the ledger: %', event USING ERRCODE = 'check_violation';
    END IF;
    IF NOT caller = ANY (kind.writers) AND NOT pg_has_role(caller, 'platepost_owner', 'MEMBER') THEN
        RAISE EXCEPTION '% may not enter %', caller, event USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT ARRAY(SELECT json_object_keys(fields)) @> kind.carries THEN
        RAISE EXCEPTION '% carries %', event, kind.carries USING ERRCODE = 'check_violation';
    END IF;
    IF (cardinality(kind.refers_to) > 0) <> (refers_to IS NOT NULL) OR refers_to IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.ledger_entry AS before WHERE before.entry = refers_to AND before.event = ANY (kind.refers_to)
    ) THEN
        RAISE EXCEPTION '% refers to %', event, kind.refers_to USING ERRCODE = 'check_violation';
    END IF;
    PERFORM public.ledger_check(event, refers_to, fields);

    line.entry := gen_random_uuid();
    line.event := event;
    line.class := kind.class;
    line.refers_to := refers_to;
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

CREATE OR REPLACE FUNCTION ledger_open() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.ledger_entry AS intent
    WHERE intent.entry = nullif(current_setting('platepost.entry', true), '')::uuid
    AND intent.event = 'intent'
    AND intent.at > clock_timestamp() - interval '5 minutes'
    AND pg_xact_status(intent.transaction) = 'committed'
    AND NOT EXISTS (
        SELECT FROM public.ledger_entry AS later
        WHERE later.refers_to = intent.entry AND later.event IN ('shown', 'failed')
    )
)
$$;
GRANT EXECUTE ON FUNCTION ledger_append(text, uuid, json) TO platepost_auditor, platepost_keeper;
"""

# A grant to any but a public agency of the state is impossible while the law profile is California's: the table of
# agencies names the law in each row, and a change of the law changes all rows, or none.
AGENCIES = """
CREATE TABLE ledger_law (
    law text COLLATE "C" PRIMARY KEY CHECK (law IN ('california', 'california_highway_patrol', 'other'))
);
CREATE UNIQUE INDEX ledger_law_one ON ledger_law ((true));
INSERT INTO ledger_law VALUES ('california');
CREATE FUNCTION ledger_law_now() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT law FROM public.ledger_law';

CREATE TABLE ledger_agency (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('in_state', 'federal', 'out_of_state', 'private')),
    allowed boolean NOT NULL,
    note text NOT NULL,
    law text COLLATE "C" NOT NULL DEFAULT ledger_law_now() REFERENCES ledger_law ON UPDATE CASCADE,
    CONSTRAINT ledger_agency_in_state CHECK (NOT allowed OR kind = 'in_state' OR law = 'other')
);

REVOKE ALL ON FUNCTION ledger_law_now() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_law_now() TO platepost_web;
GRANT SELECT, INSERT ON ledger_agency TO platepost_web;
GRANT UPDATE (kind, allowed, note) ON ledger_agency TO platepost_web;
GRANT SELECT ON ledger_agency, ledger_law TO platepost_auditor;
"""


class Migration(migrations.Migration):
    """The second."""

    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(CATALOG + APPEND + AGENCIES)]
