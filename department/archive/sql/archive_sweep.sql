-- Carries out the part of a plan that is of a kind, starting behind an entry of the ledger, this many entries at a
-- time; returns the last one, NULL at the end. Other kinds are deleted at once. That bodies may be deleted, an entry
-- says first: `erased`. Only this function deletes bodies of the ledger.
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

REVOKE ALL ON FUNCTION archive_sweep FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_sweep TO platepost_purger;
