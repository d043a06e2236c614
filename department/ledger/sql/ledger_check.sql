-- What an event needs besides its fields.
CREATE OR REPLACE FUNCTION ledger_check(event text, refers_to uuid, fields json) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF event IN ('intent', 'log_intent') AND (fields ->> 'person' IS NULL OR fields ->> 'purpose' IS NULL) THEN
        RAISE EXCEPTION 'access needs a name and a purpose' USING ERRCODE = 'check_violation';
    ELSIF event IN ('intent', 'log_intent', 'refused') AND (
        octet_length(fields::text) > 262144 OR EXISTS (
            SELECT FROM jsonb_path_query(fields::jsonb, 'strict $.**') AS part
            WHERE jsonb_typeof(part) = 'string' AND length(part #>> '{}') > 4000
        )
    ) THEN
        -- It stays for a year, and every auditor's page would have it.
        RAISE EXCEPTION 'what is asked is too long for the ledger' USING ERRCODE = 'check_violation';
    ELSIF event IN ('intent', 'log_intent') AND EXISTS (
        SELECT FROM public.people_person AS known WHERE known.login = fields ->> 'person'
        AND public.ledger_agency_lack(known.agency, fields ->> 'purpose', clock_timestamp()) IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a search for another agency needs an agreement with it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_no_agreement';
    ELSIF event = 'law_changed' AND (
        (fields -> 'after')::jsonb IS DISTINCT FROM (SELECT to_jsonb(bound) FROM public.ledger_law AS bound)
        OR coalesce(lower(fields ->> 'person') = lower(fields ->> 'second_person'), true)
        AND EXISTS (SELECT FROM public.people_person)
    ) THEN
        RAISE EXCEPTION 'two persons change the law' USING ERRCODE = 'check_violation';
    ELSIF event = 'erased' AND (
        coalesce(fields ->> 'until', '') !~ 'Z$' OR NOT EXISTS (
            SELECT FROM public.ledger_class AS ending WHERE ending.class = fields ->> 'class'
            AND (fields ->> 'until')::timestamptz BETWEEN 'epoch' AND clock_timestamp() - ending.least
        )
    ) THEN
        RAISE EXCEPTION 'bodies of % stay, or not until a time in UTC so late', fields ->> 'class'
            USING ERRCODE = 'check_violation';
    ELSIF event = 'exigent_reviewed' AND NOT EXISTS (
        SELECT FROM public.ledger_body AS exigent JOIN public.ledger_body AS person USING (entry)
        WHERE exigent.entry = refers_to AND exigent.field = 'exigent' AND exigent.value = 'true'
        AND person.field = 'person' AND person.value::jsonb #>> '{}' <> fields ->> 'person'
    ) THEN
        RAISE EXCEPTION 'someone else must review an exigent search' USING ERRCODE = 'check_violation';
    END IF;
    IF event IN ('intent', 'log_intent') THEN
        PERFORM public.ledger_check_purpose(event, fields);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ledger_check FROM PUBLIC;
