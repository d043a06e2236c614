-- Nobody changes an alert by hand, the owner included.
CREATE OR REPLACE FUNCTION alerts_final() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.alerts_refuse('alerts_final', 'alerts are changed by steps alone, and a step never');
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_final FROM PUBLIC;

CREATE TRIGGER alerts_final BEFORE INSERT OR UPDATE OR DELETE ON alerts_alert FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION alerts_final();
CREATE TRIGGER alerts_final BEFORE UPDATE OR DELETE ON alerts_step FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION alerts_final();
CREATE TRIGGER alerts_final BEFORE UPDATE OR DELETE ON alerts_acknowledgment FOR EACH ROW
    EXECUTE FUNCTION alerts_final();
CREATE TRIGGER alerts_final BEFORE UPDATE OR DELETE ON alerts_label FOR EACH ROW EXECUTE FUNCTION alerts_final();
