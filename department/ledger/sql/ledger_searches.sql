-- after: ledger_body, ledger_entry
-- What was searched for in a time, and what was refused: a hit that came to a console was not searched for. Without a search
-- path of its own, so that the planner sees through it; every name has its schema. No role calls this.
CREATE OR REPLACE FUNCTION ledger_searches(since timestamptz, until timestamptz) RETURNS SETOF public.ledger_entry
LANGUAGE sql STABLE AS $$
SELECT line.* FROM public.ledger_entry AS line
WHERE line.event IN ('intent', 'refused') AND line.at >= since AND line.at < until AND NOT EXISTS (
    SELECT FROM public.ledger_body AS asked
    WHERE asked.entry = line.entry AND asked.field = 'query' AND asked.value::jsonb ? 'console'
)
$$;

REVOKE ALL ON FUNCTION ledger_searches FROM PUBLIC;
