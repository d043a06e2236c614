-- Deletes the counts of purged hits whose month is published: nothing else needs them, and they name the hour.
CREATE OR REPLACE FUNCTION sharing_forget_counted(zone text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DELETE FROM public.alerts_forgotten AS gone USING public.sharing_report AS report
WHERE report.month = date_trunc('month', gone.at AT TIME ZONE zone)::date
$$;

REVOKE ALL ON FUNCTION sharing_forget_counted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sharing_forget_counted TO platepost_keeper;
