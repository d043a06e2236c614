-- Rows of kinds that belong to covert groups are counted apart, as records are: nobody sees them in a plan, and what
-- went of a group stands in its own certificate. A kind that may have such rows is in every plan, due or not.
ALTER TABLE archive_kind ADD COLUMN group_column text;

-- Whatever is held is asked of each entry of the ledger that is to go.
CREATE INDEX archive_hold_case ON archive_hold (case_number) WHERE lifted_at IS NULL;
CREATE INDEX archive_hold_records ON archive_hold USING gin (records) WHERE lifted_at IS NULL;
CREATE OR REPLACE FUNCTION archive_entry_held(root uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM ledger_entry AS line JOIN ledger_body AS body USING (entry)
    WHERE (line.entry = root OR line.refers_to = root AND line.event IN ('shown', 'failed')) AND (
        body.field = 'case' AND EXISTS (
            SELECT FROM archive_hold WHERE lifted_at IS NULL AND case_number = body.value::jsonb #>> '{}'
        )
        OR body.field IN ('record', 'records', 'covert') AND EXISTS (
            SELECT FROM jsonb_path_query(body.value::jsonb, 'strict $.**') AS one WHERE jsonb_typeof(one) = 'number'
            AND (EXISTS (SELECT FROM archive_hold WHERE lifted_at IS NULL AND records @> ARRAY[(one #>> '{}')::bigint])
                OR EXISTS (SELECT FROM custody_record WHERE class = 'held' AND id = (one #>> '{}')::bigint))
        )
    )
)
$$;

CREATE FUNCTION archive_old_groups(wanted text, upto timestamptz)
RETURNS TABLE (covert_group text, there bigint, held bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kind archive_kind;
BEGIN
    SELECT * INTO kind FROM archive_kind WHERE class = wanted;
    IF kind.relation = 'ledger_body' THEN
        RETURN QUERY SELECT NULL::text, count(*), count(*) FILTER (WHERE archive_entry_held(coalesce(refers_to, entry)))
        FROM ledger_entry AS line WHERE class = substr(wanted, 8) AND at < upto
        AND EXISTS (SELECT FROM ledger_body AS body WHERE body.entry = line.entry);
    ELSE
        RETURN QUERY EXECUTE format(
            'SELECT %s::text, count(*), count(*) FILTER (WHERE %s) FROM %I WHERE %I < $1 GROUP BY 1',
            coalesce(quote_ident(kind.group_column), 'NULL'), archive_case_held(kind.case_column), kind.relation,
            kind.at_column
        ) USING upto;
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION archive_old(wanted text, upto timestamptz, OUT there bigint, OUT held bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT coalesce(sum(there), 0)::bigint, coalesce(sum(held), 0)::bigint FROM archive_old_groups(wanted, upto)
$$;

CREATE OR REPLACE FUNCTION archive_due_rows() RETURNS TABLE (class text, ends timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT class, upto FROM archive_kind JOIN archive_term USING (class),
    LATERAL (SELECT clock_timestamp() - kept_days * interval '24 hours' AS upto) AS over
WHERE group_column IS NOT NULL OR (SELECT there > held FROM archive_old(class, upto)) ORDER BY class
$$;

-- After `archive_part_guarded`, which has counted all.
CREATE FUNCTION archive_show_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM archive_kind WHERE class = NEW.class AND group_column IS NOT NULL) THEN
        SELECT jsonb_build_object('records', coalesce(sum(there), 0), 'held', coalesce(sum(held), 0)) INTO NEW.shown
        FROM archive_old_groups(NEW.class, NEW.ends) WHERE covert_group IS NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER archive_part_shown BEFORE INSERT ON archive_part FOR EACH ROW EXECUTE FUNCTION archive_show_part();

CREATE OR REPLACE FUNCTION archive_sweep(wanted uuid, wanted_class text, behind bigint, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET jit = off AS $$
DECLARE
    part archive_part;
    kind archive_kind;
    last bigint;
    gone bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(6203300981);
    SELECT * INTO kind FROM archive_kind WHERE class = wanted_class;
    SELECT line.* INTO part FROM archive_part AS line JOIN archive_plan AS asked USING (plan)
    WHERE line.plan = wanted AND line.class = kind.class AND asked.begun_at IS NOT NULL;
    IF part.plan IS NULL THEN
        RAISE EXCEPTION 'no second person has approved it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_approved';
    ELSIF part.dropped_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO archive_outcome VALUES (wanted, wanted_class, part.begins, NULL, '{"records": 0}', '{}')
    ON CONFLICT DO NOTHING;
    IF kind.relation = 'ledger_body' THEN
        SELECT max(number) INTO last FROM (
            SELECT number FROM ledger_entry WHERE class = substr(wanted_class, 8) AND at < part.ends AND number > behind
            ORDER BY number LIMIT most
        ) AS page;
        WITH erased AS (
            DELETE FROM ledger_body USING ledger_entry AS line
            WHERE line.entry = ledger_body.entry AND line.class = substr(wanted_class, 8) AND line.at < part.ends
            AND line.number > behind AND line.number <= last
            AND NOT archive_entry_held(coalesce(line.refers_to, line.entry)) RETURNING line.entry
        ) SELECT count(DISTINCT entry) INTO gone FROM erased;
        UPDATE archive_outcome
        SET counts = jsonb_set(counts, '{records}', to_jsonb((counts ->> 'records')::bigint + gone))
        WHERE plan = wanted AND class = wanted_class;
    ELSE
        EXECUTE format(
            'WITH gone AS (DELETE FROM %I WHERE %I < $1 AND NOT %s RETURNING %s::text AS covert_group)'
            ' INSERT INTO archive_outcome SELECT $2, $3, $4, covert_group, jsonb_build_object(''records'', count(*)),'
            ' ''{}'' FROM gone GROUP BY covert_group'
            ' ON CONFLICT (plan, class, begins, covert_group) DO UPDATE SET counts = excluded.counts',
            kind.relation, kind.at_column, archive_case_held(kind.case_column),
            coalesce(quote_ident(kind.group_column), 'NULL')
        ) USING part.ends, wanted, wanted_class, part.begins;
    END IF;
    IF last IS NULL THEN
        INSERT INTO archive_outcome AS known
        SELECT wanted, wanted_class, part.begins, covert_group, jsonb_build_object('records', 0, 'held', there), '{}'
        FROM archive_old_groups(wanted_class, part.ends)
        ON CONFLICT (plan, class, begins, covert_group)
        DO UPDATE SET counts = known.counts || jsonb_build_object('held', excluded.counts -> 'held');
        UPDATE archive_part SET dropped_at = clock_timestamp() WHERE plan = wanted AND class = wanted_class;
    END IF;
    RETURN last;
END
$$;
REVOKE ALL ON FUNCTION archive_old_groups(text, timestamptz), archive_show_part() FROM PUBLIC;
