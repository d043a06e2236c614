-- after: ledger_enter_checked, ledger_check_each
-- Makes entries of one kind, in order: of each its fields, and what it refers to, if entries of this kind refer to
-- anything. `ledger_append_each` and `ledger_begin` ask who may enter them; no role calls this. Whoever enters something
-- alone sets `synchronous_commit` in the same statement, and calls `ledger_flush` before going on.
CREATE OR REPLACE FUNCTION ledger_enter_each(event text, refers_to uuid[], fields json) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_variable
DECLARE
    entries uuid[];
BEGIN
    IF event IN ('shown', 'failed') THEN
        -- First: whoever is covering more under the entry ends, and the chain does not wait for that.
        PERFORM pg_advisory_xact_lock(hashtextextended(closing::text, 7528300159))
        FROM unnest(refers_to) AS closing ORDER BY closing;
    END IF;
    PERFORM pg_advisory_xact_lock(7528300157);
    PERFORM public.ledger_check_each(event, refers_to, fields);
    IF event IN ('shown', 'failed') THEN
        fields := (
            SELECT json_agg(public.ledger_all_shown(each.refers_to, each.entry_fields) ORDER BY each.place)
            FROM ROWS FROM (unnest(refers_to), json_array_elements(fields))
                WITH ORDINALITY AS each (refers_to, entry_fields, place)
        );
    END IF;
    entries := public.ledger_enter_checked(event, refers_to, fields);
    IF event = 'intent' THEN
        PERFORM public.ledger_cover_asked(each.entry, each.entry_fields)
        FROM ROWS FROM (unnest(entries), json_array_elements(fields)) AS each (entry, entry_fields);
    END IF;
    RETURN entries;
END
$$;

REVOKE ALL ON FUNCTION ledger_enter_each FROM PUBLIC;
