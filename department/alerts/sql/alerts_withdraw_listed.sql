-- Withdraws open alerts of entries that left the list, for the pages. `listed` has plates as the list spells them. The
-- lock waits for hits that are arriving, and hits that arrive then wait for it (see `lists_take_back`): each looks for
-- the other in a later statement, which sees what the other has committed.
CREATE OR REPLACE FUNCTION alerts_withdraw_listed(listed text[], only_group text, who text) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5806774217);
    RETURN alerts_take_back(ARRAY(
        SELECT alert.record_id FROM alerts_alert AS alert JOIN custody_hit AS hit USING (record_id)
        WHERE hit.plate_matched = ANY (listed) AND alert.covert_group IS NOT DISTINCT FROM only_group
        AND alert.state NOT IN ('rejected', 'closed', 'withdrawn', 'accounted')
    ), 'entry_removed', who, false);
END
$$;

REVOKE ALL ON FUNCTION alerts_withdraw_listed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_withdraw_listed TO platepost_web;
