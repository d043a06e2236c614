-- after: ledger_searches
-- A month's counts for the public, by a function that alone reads records: rounded before they are stored, and never
-- published differently, whatever comes late. Nothing of a covert group is in any count: neither its reads and hits nor
-- searches that only its members can make. Reads are counted from the keeper's tally, which has each once, even if it
-- was purged since: by the day, UTC, on which it came. A time zone's month begins up to 14 hours before it does by UTC,
-- or 12 hours after. The arguments are qualified: tables have columns of these names.
CREATE OR REPLACE FUNCTION sharing_counts(since timestamptz, until timestamptz)
RETURNS TABLE (part text, name text, n bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT 'reads', 'reads', coalesce(sum(count), 0)::bigint FROM custody_tally
    WHERE covert_group IS NULL AND verdict = 'genuine' AND type = 'platepost.read.v1' AND count > 0
    AND day >= date_trunc('month', sharing_counts.since AT TIME ZONE 'UTC' + interval '1 day')::date
    AND day < date_trunc('month', sharing_counts.until AT TIME ZONE 'UTC' + interval '1 day')::date
UNION ALL SELECT 'posts', 'posts', count(DISTINCT post) FROM custody_tally
    WHERE covert_group IS NULL AND verdict = 'genuine' AND type = 'platepost.read.v1' AND count > 0
    AND day >= date_trunc('month', sharing_counts.since AT TIME ZONE 'UTC' + interval '1 day')::date
    AND day < date_trunc('month', sharing_counts.until AT TIME ZONE 'UTC' + interval '1 day')::date
UNION ALL SELECT 'hits', CASE WHEN state IN ('confirmed', 'actionable', 'closed') THEN 'confirmed'
    WHEN state IN ('rejected', 'withdrawn', 'accounted') THEN 'wrong' ELSE 'undecided' END, sum(matched.count)::bigint
    FROM (
        SELECT CASE WHEN withdrawn_because = 'entry_removed' THEN withdrawn_from
            ELSE coalesce(answered_as, state) END, count(*)
        FROM alerts_alert WHERE covert_group IS NULL
            AND captured_at >= sharing_counts.since AND captured_at < sharing_counts.until GROUP BY 1
        UNION ALL SELECT state, gone.count FROM alerts_forgotten AS gone
            WHERE gone.at >= sharing_counts.since AND gone.at < sharing_counts.until
    ) AS matched (state, count) GROUP BY 2
UNION ALL SELECT 'searches', coalesce(purpose.value::json #>> '{}', 'erased'), count(*)
    FROM ledger_searches(sharing_counts.since, sharing_counts.until) AS line
    LEFT JOIN ledger_body AS purpose ON purpose.entry = line.entry AND purpose.field = 'purpose'
    WHERE line.event = 'intent' GROUP BY 2
UNION ALL SELECT 'releases', asked.kind, count(*) FROM sharing_release AS sent
    JOIN sharing_request AS asked ON asked.id = request_id
    WHERE sent.at >= sharing_counts.since AND sent.at < sharing_counts.until GROUP BY 2
UNION ALL SELECT 'audits', 'audits', count(*) FROM audits_audit
    WHERE finished_at >= sharing_counts.since AND finished_at < sharing_counts.until
UNION ALL SELECT 'findings', 'findings', count(*) FROM audits_finding
    WHERE made_at >= sharing_counts.since AND made_at < sharing_counts.until
UNION ALL SELECT 'purges', 'purges', count(*) FROM archive_plan
    WHERE done_at >= sharing_counts.since AND done_at < sharing_counts.until
$$;

REVOKE ALL ON FUNCTION sharing_counts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_counts TO platepost_keeper;
