"""Under the law `strict` a supervisor approves each search before it is made."""

from django.db import migrations

# A search that waits is an entry `refused` with the field `approval`; the decision refers to it. No other table has it.
APPROVALS = """
CREATE UNIQUE INDEX ledger_entry_approves ON ledger_entry (refers_to) WHERE event = 'search_approved';
CREATE INDEX ledger_entry_approved ON ledger_entry (at) WHERE event = 'search_approved';

-- Searches of the last day that nobody has decided about: neither plate nor picture.
CREATE FUNCTION ledger_open_approvals() RETURNS TABLE (
    entry uuid, at timestamptz, person text, purpose text, case_number text, reason text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT asked.entry, asked.at, said ->> 'person', said ->> 'purpose', coalesce(said ->> 'case', ''),
    coalesce(said ->> 'reason', '')
FROM public.ledger_entry AS asked CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(body.field, body.value::jsonb) AS said FROM public.ledger_body AS body
    WHERE body.entry = asked.entry AND body.field IN ('person', 'purpose', 'case', 'reason', 'approval')
) AS bodies
WHERE asked.event = 'refused' AND asked.at > clock_timestamp() - interval '1 day' AND said ? 'approval'
AND NOT EXISTS (
    SELECT FROM public.ledger_entry AS decided
    WHERE decided.refers_to = asked.entry AND decided.event = 'search_approved'
)
ORDER BY asked.number
$$;

-- Whether somebody else approved within a day that this person looks for this; what narrows it is approved with it, as
-- are the pictures of its reads.
CREATE FUNCTION ledger_approved(who text, why text, of_case text, asked jsonb) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.ledger_entry AS decided CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(
            CASE WHEN body.entry = decided.entry THEN 'by_' || body.field ELSE body.field END, body.value::jsonb
        ) AS said
        FROM public.ledger_body AS body WHERE body.entry IN (decided.entry, decided.refers_to)
    ) AS bodies
    WHERE decided.event = 'search_approved' AND decided.at > clock_timestamp() - interval '1 day'
    AND said -> 'by_approved' = 'true' AND said ->> 'by_person' <> who
    AND said ->> 'person' = who AND said ->> 'purpose' = why AND said ->> 'case' IS NOT DISTINCT FROM of_case
    AND (asked ? 'picture' OR asked @> ((said -> 'query') - 'exchange'))
)
$$;

CREATE FUNCTION ledger_guard_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said jsonb;
BEGIN
    IF (SELECT law FROM public.ledger_law) <> 'strict' OR NOT EXISTS (
        SELECT FROM public.ledger_entry AS line WHERE line.entry = NEW.entry AND line.event = 'intent'
    ) THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(body.field, body.value::jsonb) INTO said
    FROM public.ledger_body AS body WHERE body.entry = NEW.entry;
    IF said -> 'exigent' IS DISTINCT FROM 'true' AND NOT public.ledger_approved(
        said ->> 'person', said ->> 'purpose', said ->> 'case', said -> 'query'
    ) THEN
        RAISE EXCEPTION 'a supervisor approves each search'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_approval';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_guard_approval AFTER INSERT ON ledger_body FOR EACH ROW
    WHEN (NEW.field = 'query' AND NEW.value ~ '"(plate|scenes|posts|picture)":')
    EXECUTE FUNCTION ledger_guard_approval();

REVOKE ALL ON FUNCTION ledger_open_approvals(), ledger_approved(text, text, text, jsonb), ledger_guard_approval()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open_approvals(), ledger_approved(text, text, text, jsonb) TO platepost_web;
"""


class Migration(migrations.Migration):
    """The ninth."""

    dependencies = [("ledger", "0008_groups_planned_once")]
    operations = [migrations.RunSQL(APPROVALS)]
