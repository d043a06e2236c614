-- What the public page states of the program besides the monthly counts, as text of JSON: the agencies that may get
-- something now, each by its agreement; the last audit that was finished; how long each class of records is kept. No
-- person, no plate, and nothing of a covert group is in it.
CREATE OR REPLACE FUNCTION sharing_program() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
SELECT jsonb_build_object(
    'agencies', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', coalesce(nullif(registered.title, ''), agency),
            'scope', scope, 'purposes', purposes, 'begins', begins, 'ends', ends
        ) ORDER BY agency, begins), '[]')
        FROM ledger_sharing AS agreed JOIN ledger_agency AS registered ON registered.name = agency
        WHERE ended_at IS NULL AND agreed.confirmed_at IS NOT NULL AND ledger_today() BETWEEN begins AND ends
        AND ledger_agency_refusal(agency, purposes[1], scope[1], now()) IS NULL
    ),
    'audit', (
        SELECT jsonb_build_object('finished', finished_at, 'since', since, 'until', until, 'searches', searches)
        FROM audits_audit WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1
    ),
    'kept_days', (SELECT coalesce(jsonb_object_agg(class, kept_days), '{}') FROM archive_term)
)::text
$$;

REVOKE ALL ON FUNCTION sharing_program FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_program TO platepost_public;
