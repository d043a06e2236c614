-- What else has a term: bodies of the ledger, work that people saved, and whatever a room enters in `archive_kind`.
-- Backups have one too; files go by `platepost department backup`, which asks this.

INSERT INTO archive_law
SELECT law, more, 366, 36525 FROM archive_law
-- Who saw and did what: a year at least (CJIS AU-11), whatever the law says of reads.
CROSS JOIN unnest('{ledger_access,ledger_rights,decision,training}'::text[]) AS more WHERE class = 'log'
UNION ALL
-- Entries of hot lists once they ended, and what a look-back found, as the reads; so is work with a plate in it.
SELECT law, more, CASE more WHEN 'saved_work' THEN least(30, ceiling_days - 20) ELSE floor_days END, ceiling_days
FROM archive_law CROSS JOIN unnest('{list_entry,lookback,saved_work}'::text[]) AS more WHERE class = 'no_hit'
UNION ALL
-- Last week's backup must be there. An old one keeps what was purged, so none outlives a year, or the reads' ceiling.
SELECT law, 'backup', CASE WHEN ceiling_days < 120 THEN 7 ELSE 30 END, least(ceiling_days, 366)
FROM archive_law WHERE class = 'no_hit';

-- Rows that go one by one once they are older than their class's term. A room that has such enters its table here.
CREATE TABLE archive_kind (
    class text COLLATE "C" PRIMARY KEY,
    relation text NOT NULL,
    at_column text NOT NULL,  -- since when a row's term runs; rows where it is NULL stay
    case_column text  -- rows of a case that is on hold stay
);
INSERT INTO archive_kind VALUES
    ('ledger_access', 'ledger_body', 'at', NULL), ('ledger_rights', 'ledger_body', 'at', NULL),
    ('saved_work', 'search_saved', 'at', 'work');

CREATE TABLE archive_backup (
    sha256 text PRIMARY KEY,
    name text NOT NULL,
    made_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE FUNCTION archive_guard_backup() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.removed_at IS NOT NULL OR NEW.removed_at IS NULL
        OR (NEW.name, NEW.sha256, NEW.made_at) <> (OLD.name, OLD.sha256, OLD.made_at)
        OR OLD.made_at + (SELECT kept_days FROM archive_term WHERE class = 'backup') * interval '24 hours' > clock_timestamp()
    THEN
        RAISE EXCEPTION 'a backup is kept until its term is over, and then removed, once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_floor';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER archive_backup_guarded BEFORE UPDATE OR DELETE ON archive_backup
    FOR EACH ROW EXECUTE FUNCTION archive_guard_backup();

-- Whether an entry of the ledger, or what closes it, is of a case that is on hold, or tells of a record that is held.
CREATE FUNCTION archive_entry_held(root uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM ledger_entry AS line JOIN ledger_body AS body USING (entry)
    WHERE (line.entry = root OR line.refers_to = root AND line.event IN ('shown', 'failed')) AND (
        body.field = 'case' AND body.value::jsonb #>> '{}' IN (SELECT case_number FROM archive_hold WHERE lifted_at IS NULL)
        OR body.field IN ('record', 'records', 'covert') AND EXISTS (
            SELECT FROM jsonb_path_query(body.value::jsonb, 'strict $.**') AS one WHERE jsonb_typeof(one) = 'number'
            AND (EXISTS (SELECT FROM archive_hold WHERE lifted_at IS NULL AND records @> ARRAY[(one #>> '{}')::bigint])
                OR EXISTS (SELECT FROM custody_record WHERE class = 'held' AND id = (one #>> '{}')::bigint))
        )
    )
)
$$;

-- How many rows of a kind are older than a time, and how many of these stay.
CREATE FUNCTION archive_old(wanted text, upto timestamptz, OUT there bigint, OUT held bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kind archive_kind;
BEGIN
    SELECT * INTO kind FROM archive_kind WHERE class = wanted;
    IF kind.relation = 'ledger_body' THEN
        SELECT count(*), count(*) FILTER (WHERE archive_entry_held(coalesce(refers_to, entry))) INTO there, held
        FROM ledger_entry AS line WHERE class = substr(wanted, 8) AND at < upto
        AND EXISTS (SELECT FROM ledger_body AS body WHERE body.entry = line.entry);
    ELSE
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE %s) FROM %I WHERE %I < $1',
            archive_case_held(kind.case_column), kind.relation, kind.at_column) INTO there, held USING upto;
    END IF;
END
$$;
CREATE FUNCTION archive_case_held(case_column text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT coalesce(format(
    'coalesce(%I IN (SELECT case_number FROM archive_hold WHERE lifted_at IS NULL), false)', case_column
), 'false')
$$;

CREATE FUNCTION archive_due_rows() RETURNS TABLE (class text, ends timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT class, upto FROM archive_kind JOIN archive_term USING (class),
    LATERAL (SELECT clock_timestamp() - kept_days * interval '24 hours' AS upto) AS over, archive_old(class, upto)
WHERE there > held ORDER BY class
$$;

CREATE OR REPLACE FUNCTION archive_stale(wanted uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked archive_plan;
    part archive_part;
    there bigint;
BEGIN
    SELECT * INTO asked FROM archive_plan WHERE plan = wanted;
    IF asked.planned_at < clock_timestamp() - interval '30 days' THEN
        RETURN 'it is older than 30 days';
    END IF;
    IF asked.holds <> ARRAY(SELECT id FROM archive_hold WHERE lifted_at IS NULL ORDER BY id) THEN
        RETURN 'a hold was placed or lifted since it was made';
    END IF;
    FOR part IN SELECT * FROM archive_part WHERE plan = wanted LOOP
        IF part.class <> 'held' AND NOT EXISTS (
            SELECT FROM archive_term WHERE class = part.class AND law = asked.law
            AND part.ends + kept_days * interval '24 hours' <= clock_timestamp()
        ) THEN
            RETURN 'the law or a term is another since it was made';
        END IF;
        IF part.class IN (SELECT class FROM archive_kind) THEN
            SELECT old.there INTO there FROM archive_old(part.class, part.ends) AS old;
        ELSIF to_regclass('public.custody_record' || archive_suffix(part.class, part.begins, part.ends)) IS NULL THEN
            RETURN 'a partition is gone since it was made';
        ELSE
            SELECT count(*) INTO there FROM custody_record
            WHERE class = part.class AND retained_from >= part.begins AND retained_from < part.ends;
        END IF;
        IF there <> part.records THEN
            RETURN 'the records are not those that were counted';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION archive_guard_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked archive_plan;
    term archive_term;
    kept bigint[];
    is_kind boolean := EXISTS (SELECT FROM archive_kind WHERE class = NEW.class);
BEGIN
    SELECT * INTO asked FROM archive_plan WHERE plan = NEW.plan;
    SELECT * INTO term FROM archive_term WHERE class = NEW.class;
    NEW.dropped_at := NULL;
    IF asked.approved_at IS NOT NULL THEN
        RAISE EXCEPTION 'a plan is approved or carried out, never changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_plan_final';
    ELSIF asked.law IS DISTINCT FROM (SELECT min(law) FROM archive_term)
        OR NEW.class <> 'held' AND (NEW.ends + term.kept_days * interval '24 hours' <= clock_timestamp()) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the term of these records is not over'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_floor';
    ELSIF NEW.class = 'doubtful' AND coalesce(asked.review, '') = '' THEN
        RAISE EXCEPTION 'nobody has reviewed the doubtful records'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_review';
    ELSIF (is_kind OR NEW.class IN ('held', 'doubtful')) <> (NEW.begins = '-infinity') OR NOT is_kind
        AND to_regclass('public.custody_record' || archive_suffix(NEW.class, NEW.begins, NEW.ends)) IS NULL
    THEN
        RAISE EXCEPTION 'there is no such part' USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_no_part';
    END IF;
    IF is_kind THEN
        SELECT there, jsonb_build_object('records', there, 'held', held) INTO NEW.records, NEW.shown
        FROM archive_old(NEW.class, NEW.ends);
        RETURN NEW;
    END IF;
    kept := archive_kept(NEW.class, NEW.begins, NEW.ends);
    SELECT count(*), jsonb_build_object(
        'records', count(*) FILTER (WHERE covert_group IS NULL),
        'held', count(*) FILTER (WHERE covert_group IS NULL AND id = ANY (kept)),
        'first_day', min(kept_at AT TIME ZONE 'UTC')::date, 'last_day', max(kept_at AT TIME ZONE 'UTC')::date
    ) INTO NEW.records, NEW.shown
    FROM custody_record WHERE class = NEW.class AND retained_from >= NEW.begins AND retained_from < NEW.ends;
    RETURN NEW;
END
$$;

-- Carry out the part of a plan that is of a kind, from behind an entry of the ledger, so many entries at a time; return
-- the last one, NULL at the end. Other kinds go at once. That bodies may go, an entry says first: `erased`.
CREATE FUNCTION archive_sweep(wanted uuid, wanted_class text, behind bigint, most integer) RETURNS bigint
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
    ELSIF kind.relation = 'ledger_body' THEN
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
    ELSE
        EXECUTE format('DELETE FROM %I WHERE %I < $1 AND NOT %s',
            kind.relation, kind.at_column, archive_case_held(kind.case_column)) USING part.ends;
        GET DIAGNOSTICS gone = ROW_COUNT;
    END IF;
    INSERT INTO archive_outcome AS known VALUES
        (wanted, wanted_class, part.begins, NULL, jsonb_build_object('records', gone), '{}')
    ON CONFLICT (plan, class, begins, covert_group)
    DO UPDATE SET counts = jsonb_build_object('records', (known.counts ->> 'records')::bigint + gone);
    IF last IS NULL THEN
        UPDATE archive_outcome SET counts = counts
            || jsonb_build_object('held', (SELECT there FROM archive_old(wanted_class, part.ends)))
        WHERE plan = wanted AND class = wanted_class;
        UPDATE archive_part SET dropped_at = clock_timestamp() WHERE plan = wanted AND class = wanted_class;
    END IF;
    RETURN last;
END
$$;

-- The purger says that bodies may go where a plan that is carried out says so. Only the plan's function deletes them.
CREATE FUNCTION archive_guard_erasure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(nullif(current_setting('role'), 'none'), session_user) = 'platepost_purger'
        AND EXISTS (SELECT FROM ledger_entry WHERE entry = NEW.entry AND event = 'erased')
        AND NOT EXISTS (
            SELECT FROM archive_part AS part JOIN archive_plan AS asked USING (plan) JOIN ledger_body AS ending
                ON ending.field = 'class' AND part.class = 'ledger_' || (ending.value::jsonb #>> '{}')
            WHERE ending.entry = NEW.entry AND asked.begun_at IS NOT NULL AND part.dropped_at IS NULL
            AND part.ends >= (NEW.value::jsonb #>> '{}')::timestamptz
        )
    THEN
        RAISE EXCEPTION 'no second person has approved it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_approved';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER archive_erasure_planned AFTER INSERT ON ledger_body
    FOR EACH ROW WHEN (NEW.field = 'until') EXECUTE FUNCTION archive_guard_erasure();
REVOKE ALL ON ledger_body FROM platepost_purger;

REVOKE ALL ON FUNCTION archive_guard_backup(), archive_entry_held(uuid), archive_old(text, timestamptz),
    archive_case_held(text), archive_due_rows(), archive_sweep(uuid, text, bigint, integer), archive_guard_erasure()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_due_rows() TO platepost_web;
GRANT EXECUTE ON FUNCTION archive_sweep(uuid, text, bigint, integer) TO platepost_purger;
GRANT SELECT ON archive_kind, archive_backup TO platepost_web, platepost_auditor, platepost_purger;
