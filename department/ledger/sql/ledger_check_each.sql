-- Refuses entries that the catalog of events, or `ledger_check`, does not allow. No role calls this.
CREATE OR REPLACE FUNCTION ledger_check_each(event text, refers_to uuid[], fields json) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    kind public.ledger_event;
    named uuid;
    entry_fields json;
BEGIN
    SELECT * INTO kind FROM public.ledger_event AS catalog WHERE catalog.event = event;
    IF kind.event IS NULL THEN
        RAISE EXCEPTION 'no event of the ledger: %', event USING ERRCODE = 'check_violation';
    END IF;
    -- Who answers partner departments opens records for a query of one alone, and none of a covert group: see
    -- `ledger_guard_behalf`, too.
    IF event = 'intent' AND coalesce(nullif(current_setting('role'), 'none'), session_user) = 'platepost_federation' AND (
        SELECT bool_or(
            (item -> 'query')::jsonb ? 'exchange' IS NOT TRUE OR item ->> 'on_behalf_of' IS NULL
            OR (item -> 'groups')::jsonb <> '[]'
        ) FROM json_array_elements(fields) AS asked (item)
    ) THEN
        RAISE EXCEPTION 'only a query of a partner department opens records here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOR named, entry_fields IN
        SELECT each.refers_to, each.entry_fields FROM ROWS FROM (unnest(refers_to), json_array_elements(fields))
            WITH ORDINALITY AS each (refers_to, entry_fields, place) ORDER BY each.place
    LOOP
        IF NOT ARRAY(SELECT json_object_keys(entry_fields)) @> kind.carries THEN
            RAISE EXCEPTION '% carries %', event, kind.carries USING ERRCODE = 'check_violation';
        END IF;
        IF (cardinality(kind.refers_to) > 0) <> (named IS NOT NULL) OR (
            named IS NOT NULL AND NOT EXISTS (
                SELECT FROM public.ledger_entry AS before
                WHERE before.entry = named AND before.event = ANY (kind.refers_to)
            )
        ) THEN
            RAISE EXCEPTION '% refers to %', event, kind.refers_to USING ERRCODE = 'check_violation';
        END IF;
        PERFORM public.ledger_check(event, named, entry_fields);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ledger_check_each FROM PUBLIC;
