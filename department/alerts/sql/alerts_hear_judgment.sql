-- Alerts of records that a later judgment calls forged are withdrawn.
CREATE OR REPLACE FUNCTION alerts_hear_judgment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM alerts_take_back(
        ARRAY(SELECT record_id FROM new_judgments WHERE verdict <> 'genuine'), 'signature', NULL, true
    );
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION alerts_hear_judgment FROM PUBLIC;

CREATE TRIGGER alerts_judged AFTER INSERT ON custody_rejudged REFERENCING NEW TABLE AS new_judgments
    FOR EACH STATEMENT WHEN (current_user = 'platepost_keeper') EXECUTE FUNCTION alerts_hear_judgment();
