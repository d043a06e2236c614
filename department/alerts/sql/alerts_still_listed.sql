-- Whether nothing has happened to a hit since it arrived that would have withdrawn it while it was open. A rejected alert
-- is not withdrawn, so reopening one asks.
CREATE OR REPLACE FUNCTION alerts_still_listed(alert alerts_alert) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    listed text := (SELECT plate_matched FROM custody_hit WHERE record_id = alert.record_id);
BEGIN
    RETURN listed IS NOT NULL
        AND coalesce((
            SELECT judged.verdict FROM custody_rejudged AS judged WHERE judged.record_id = alert.record_id
            ORDER BY judged.at DESC LIMIT 1
        ), 'genuine') = 'genuine'
        AND NOT EXISTS (SELECT FROM custody_withdrawal AS gone WHERE gone.hit = alert.hit AND gone.post = alert.post)
        AND (
            EXISTS (
                SELECT FROM lists_in_force WHERE plate = listed AND NOT safe
                AND distribution IS NOT DISTINCT FROM alert.covert_group
            )
            OR NOT EXISTS (
                SELECT FROM lists_recovery WHERE plate = listed AND alert.covert_group IS NULL AND at > alert.arrived_at
                UNION ALL
                SELECT FROM lists_entry WHERE plate = listed AND NOT safe
                AND distribution IS NOT DISTINCT FROM alert.covert_group
                AND least(ended_at, expires_at) BETWEEN alert.arrived_at AND clock_timestamp()
            )
            -- The department does not know the entries of a list that was built by hand.
            AND (alert.list_sources = '{}' OR EXISTS (
                SELECT FROM lists_imported AS stored WHERE stored.plate = listed AND stored.left_at IS NULL
            ))
        );
END
$$;

REVOKE ALL ON FUNCTION alerts_still_listed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts_still_listed TO platepost_web;
