"""What the public sees: each month's counts once, for a role that sees nothing else."""

from django.db import migrations

# Counted by the keeper's role, by a function that alone looks at records; rounded before they are stored. A month is
# never published differently, whatever comes late.
PUBLIC = """
CREATE TABLE sharing_report (
    month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    signed text NOT NULL,  -- a compact JWS
    key text NOT NULL,  -- by which it is verified, as PEM
    at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION sharing_keep_report() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'what was published stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
END
$$;
CREATE TRIGGER sharing_keep_report BEFORE UPDATE OR DELETE ON sharing_report
    FOR EACH ROW EXECUTE FUNCTION sharing_keep_report();

-- Nothing of a covert group is in any count: neither its reads and hits nor searches that only its members can make.
CREATE FUNCTION sharing_counts(since timestamptz, until timestamptz) RETURNS TABLE (part text, name text, n bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT 'reads', 'reads', count(*) FROM custody_read
    WHERE covert_group IS NULL AND class <> 'doubtful' AND captured_at >= since AND captured_at < until
    AND retained_from >= since AND retained_from < until + interval '31 days'
UNION ALL SELECT 'posts', 'posts', count(DISTINCT post) FROM custody_read
    WHERE covert_group IS NULL AND class <> 'doubtful' AND captured_at >= since AND captured_at < until
    AND retained_from >= since AND retained_from < until + interval '31 days'
UNION ALL SELECT 'hits', CASE WHEN state IN ('confirmed', 'actionable', 'closed') THEN 'confirmed'
    WHEN state IN ('rejected', 'withdrawn', 'accounted') THEN 'wrong' ELSE 'undecided' END, count(*)
    FROM alerts_alert WHERE covert_group IS NULL AND captured_at >= since AND captured_at < until GROUP BY 2
UNION ALL SELECT 'searches', coalesce(purpose.value::json #>> '{}', 'erased'), count(*)
    FROM ledger_entry AS line
    LEFT JOIN ledger_body AS purpose ON purpose.entry = line.entry AND purpose.field = 'purpose'
    WHERE line.event = 'intent' AND line.at >= since AND line.at < until AND NOT EXISTS (
        SELECT FROM ledger_body AS asked WHERE asked.entry = line.entry AND asked.field = 'query'
        AND asked.value::jsonb ? 'console'
    ) GROUP BY 2
UNION ALL SELECT 'releases', asked.kind, count(*) FROM sharing_release AS sent
    JOIN sharing_request AS asked ON asked.id = request_id WHERE sent.at >= since AND sent.at < until GROUP BY 2
UNION ALL SELECT 'audits', 'audits', count(*) FROM audits_audit WHERE finished_at >= since AND finished_at < until
UNION ALL SELECT 'findings', 'findings', count(*) FROM audits_finding WHERE made_at >= since AND made_at < until
UNION ALL SELECT 'purges', 'purges', count(*) FROM archive_plan WHERE done_at >= since AND done_at < until
$$;
REVOKE ALL ON FUNCTION sharing_keep_report(), sharing_counts(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_counts(timestamptz, timestamptz) TO platepost_keeper;
GRANT SELECT, INSERT ON sharing_report TO platepost_keeper;
GRANT SELECT ON sharing_policy, archive_term TO platepost_keeper;
GRANT SELECT ON sharing_report, sharing_policy TO platepost_public;
"""


class Migration(migrations.Migration):
    """The second."""

    dependencies = [("sharing", "0001_initial")]
    operations = [migrations.RunSQL(PUBLIC)]
