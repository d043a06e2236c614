"""Partner departments, what was asked of them and answered to them, and the agreements that let it be."""

from importlib.resources import files

from django.db import migrations

from platepost.department.database.functions import redefined

# `query` in an agreement's scope: its people may ask by their own department's server, so many times an hour.
AGREEMENTS = """
ALTER TABLE ledger_sharing
    ADD COLUMN per_hour integer,
    DROP CONSTRAINT ledger_sharing_scope_check,
    ADD CONSTRAINT ledger_sharing_scope_check CHECK (cardinality(scope) > 0 AND scope <@ '{search,release,query}'),
    ADD CONSTRAINT sharing_rate CHECK (
        ('query' = ANY (scope)) = (per_hour IS NOT NULL) AND per_hour BETWEEN 1 AND 3600
    );
"""

# No row has a plate, nor the salt of what it commits to elsewhere: queries and answers stand in the ledger.
TABLES = """
CREATE TABLE federation_partner (
    agency text COLLATE "C" PRIMARY KEY REFERENCES ledger_agency,
    url text NOT NULL CONSTRAINT federation_partner_url CHECK (url ~ '^https://[^/?#@ ]+$'),
    certificate text NOT NULL,  -- PEM; by its key the partner signs, too
    person text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER sharing_by_manager BEFORE INSERT OR UPDATE ON federation_partner
    FOR EACH ROW EXECUTE FUNCTION sharing_by_manager();

CREATE TABLE federation_exchange (
    id uuid PRIMARY KEY,
    side text NOT NULL CHECK (side IN ('asked', 'answered')),
    agency text COLLATE "C" NOT NULL REFERENCES federation_partner,
    person text COLLATE "C" NOT NULL,
    purpose text NOT NULL,
    at timestamptz NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),  -- SHA-256 of the signed query
    committed text CHECK (committed ~ '^[0-9a-f]{64}$'),  -- to the case
    case_number text,
    salt bytea,
    decision text CHECK (decision IN ('answered', 'refused', 'failed', 'lost')),
    entry uuid,  -- of the ledger: that has the answer; until then, that none came
    CONSTRAINT federation_case CHECK (num_nulls(case_number, salt) IN (0, 2)),
    CONSTRAINT federation_decided CHECK (decision IS NULL OR entry IS NOT NULL)
);
CREATE INDEX federation_exchange_lately ON federation_exchange (agency, side, at);

CREATE FUNCTION federation_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    later text[] := '{decision,entry,case_number,salt}';
    agreed record;
    why text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - later <> to_jsonb(OLD) - later OR OLD.decision IS NOT NULL AND (
            NEW.decision <> OLD.decision OR NEW.entry <> OLD.entry
        ) OR OLD.salt IS NOT NULL AND (NEW.salt, NEW.case_number) IS DISTINCT FROM (OLD.salt, OLD.case_number)
        THEN
            RAISE EXCEPTION 'what was exchanged stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'federation_final';
        END IF;
        RETURN NEW;
    END IF;
    NEW.at := clock_timestamp();
    IF NEW.side = 'asked' THEN
        why := public.ledger_agency_refusal(NEW.agency, NEW.purpose, 'query', NEW.at);
        IF why IS NOT NULL THEN
            RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = 'federation_no_agreement';
        END IF;
        RETURN NEW;
    END IF;
    -- One after the other, so that none passes another by. What no agreement is about is refused, but counts.
    PERFORM FROM public.federation_partner AS known WHERE known.agency = NEW.agency FOR UPDATE;
    SELECT made.per_hour AS most, made.purposes INTO agreed FROM public.ledger_sharing AS made
    WHERE made.agency = NEW.agency AND made.ended_at IS NULL AND NEW.purpose = ANY (made.purposes)
    AND (NEW.at AT TIME ZONE 'UTC')::date BETWEEN made.begins AND made.ends AND made.per_hour IS NOT NULL
    ORDER BY made.per_hour DESC LIMIT 1;
    IF (
        SELECT count(*) FROM public.federation_exchange AS before
        WHERE before.agency = NEW.agency AND before.side = 'answered' AND before.at > NEW.at - interval '1 hour'
        AND (agreed.purposes IS NULL OR before.purpose = ANY (agreed.purposes))
    ) >= coalesce(agreed.most, 60) THEN
        RAISE EXCEPTION 'more than % an hour', coalesce(agreed.most, 60)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'federation_rate';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER federation_guard BEFORE INSERT OR UPDATE ON federation_exchange
    FOR EACH ROW EXECUTE FUNCTION federation_guard();

-- The signed answer to a query, for who has the query; it has no plate that the query has not.
CREATE FUNCTION federation_receipt(asked uuid, query_digest text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT said.value::json #>> '{}' FROM public.federation_exchange AS exchange
JOIN public.ledger_body AS said ON said.entry = exchange.entry AND said.field = 'exchange'
WHERE exchange.id = asked AND exchange.digest = query_digest AND exchange.decision IS NOT NULL
$$;

-- Also of a department that asks for its own people: under an agreement about queries, and for one that it asked.
CREATE OR REPLACE FUNCTION ledger_guard_behalf() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    why text;
BEGIN
    SELECT public.ledger_agency_refusal(NEW.value::json #>> '{}', purpose.value::json #>> '{}', CASE WHEN EXISTS (
        SELECT FROM public.ledger_body AS asked JOIN public.federation_exchange AS exchange
        ON exchange.id::text = asked.value::json ->> 'exchange'
        WHERE asked.entry = NEW.entry AND asked.field = 'query' AND exchange.side = 'answered'
        AND exchange.agency = NEW.value::json #>> '{}' AND exchange.decision IS NULL
    ) THEN 'query' ELSE 'search' END, line.at)
    INTO why FROM public.ledger_entry AS line
    JOIN public.ledger_body AS purpose ON purpose.entry = line.entry AND purpose.field = 'purpose'
    WHERE line.entry = NEW.entry AND line.event IN ('intent', 'log_intent');
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'no record is looked at on behalf of that agency: %', why
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION federation_guard(), federation_receipt(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION federation_receipt(uuid, text) TO platepost_web;
GRANT SELECT, INSERT ON federation_partner, federation_exchange TO platepost_web;
GRANT UPDATE (url, certificate, person, at) ON federation_partner TO platepost_web;
GRANT UPDATE (decision, entry, case_number, salt) ON federation_exchange TO platepost_web;
GRANT SELECT ON federation_partner, federation_exchange TO platepost_auditor, platepost_keeper;
GRANT UPDATE (decision, entry) ON federation_exchange TO platepost_keeper;
"""

# People of a partner are known there, and are held to the agreement about queries.
_ASKED = "coalesce(person LIKE '%@' || behalf, false)"
_CHANGED = {
    "WHERE person IS NULL OR person NOT IN (SELECT login FROM people_person)": (
        f"WHERE (person IS NULL OR person NOT IN (SELECT login FROM people_person)) AND NOT {_ASKED}"
    ),
    "ledger_agency_refusal(behalf, purpose, 'search', at)": (
        f"ledger_agency_refusal(behalf, purpose, CASE WHEN {_ASKED} THEN 'query' ELSE 'search' END, at)"
    ),
}

_FACTS = redefined(
    files("platepost.department.sharing.migrations").joinpath("0001_sharing.sql").read_text("utf-8"),
    "sharing_facts",
    _CHANGED,
)


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies = [("sharing", "0002_public"), ("ledger", "0007_planned_once")]
    operations = [migrations.RunSQL(AGREEMENTS + TABLES + _FACTS)]
