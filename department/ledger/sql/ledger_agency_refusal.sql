-- Why nothing may be done for an agency for a purpose at a moment; null where it may. Any purpose, and any scope, where
-- that is null. Days are the department's.
CREATE OR REPLACE FUNCTION ledger_agency_refusal(named text, wanted text, what text, moment timestamptz) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
    WHEN known.name IS NULL THEN 'it is not in the register of agencies'
    WHEN NOT known.allowed THEN 'nothing is shared with it'
    WHEN known.confirmed_by IS NULL THEN 'no second person has confirmed what it is'
    WHEN coalesce((
        SELECT checked.until FROM public.ledger_verification AS checked
        WHERE checked.agency = named AND checked.at <= moment ORDER BY checked.id DESC LIMIT 1
    ), '-infinity') < asked.day THEN 'no one has verified it, or not lately'
    WHEN NOT EXISTS (
        SELECT FROM public.ledger_sharing AS agreed
        WHERE agreed.agency = named AND agreed.at <= moment AND coalesce(agreed.ended_at > moment, true)
        AND agreed.confirmed_at <= moment AND asked.day BETWEEN agreed.begins AND agreed.ends
        AND (what IS NULL OR what = ANY (agreed.scope)) AND (wanted IS NULL OR wanted = ANY (agreed.purposes))
    ) THEN 'no active agreement covers this purpose'
END
FROM (
    SELECT (moment AT TIME ZONE timezone)::date AS day FROM public.ledger_department
) AS asked
LEFT JOIN public.ledger_agency AS known ON known.name = named
$$;

REVOKE ALL ON FUNCTION ledger_agency_refusal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_agency_refusal TO platepost_web, platepost_webhook, platepost_federation;
