-- What was published stays.
CREATE OR REPLACE FUNCTION sharing_keep_report() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'what was published stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'sharing_final';
END
$$;

REVOKE ALL ON FUNCTION sharing_keep_report FROM PUBLIC;

CREATE TRIGGER sharing_keep_report BEFORE UPDATE OR DELETE ON sharing_report
    FOR EACH ROW EXECUTE FUNCTION sharing_keep_report();
CREATE TRIGGER sharing_keep_report BEFORE UPDATE OR DELETE ON sharing_correction
    FOR EACH ROW EXECUTE FUNCTION sharing_keep_report();
