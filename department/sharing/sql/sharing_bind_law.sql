-- Has a law bind the department: who may get records, approvals of searches, and how long records are kept, all or
-- nothing, with its entry in the ledger. `who` and `second` are its two persons; before there are people, one is enough.
CREATE OR REPLACE FUNCTION sharing_bind_law(wanted jsonb, who text, second text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    before jsonb := (SELECT to_jsonb(bound) FROM ledger_law AS bound);
    after ledger_law := jsonb_populate_record(NULL::ledger_law, wanted);
BEGIN
    UPDATE ledger_law SET law = after.law, state = after.state, in_state_only = after.in_state_only,
        approves_searches = after.approves_searches, floor_days = after.floor_days, ceiling_days = after.ceiling_days;
    PERFORM archive_establish(after.law, after.floor_days, after.ceiling_days);
    PERFORM ledger_append('law_changed', NULL, json_build_object(
        'person', who, 'second_person', second, 'before', before, 'after', to_jsonb(after)
    ));
END
$$;

REVOKE ALL ON FUNCTION sharing_bind_law FROM PUBLIC;
