-- Stores with an alert which source its entry came from.
CREATE OR REPLACE FUNCTION lists_name_sources() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    listed text := (
        SELECT plate_matched FROM custody_hit WHERE record_id = NEW.record_id AND retained_from = NEW.retained_from
    );
BEGIN
    NEW.list_sources := ARRAY(
        -- No import has this name: theirs have no space.
        SELECT 'own entries' WHERE EXISTS (
            SELECT FROM lists_entry WHERE plate = listed AND category = NEW.category AND NOT safe
            AND distribution IS NULL AND (NOT second_person OR at_once OR approved_at IS NOT NULL)
            AND expires_at > NEW.captured_at AND (unlisted_version IS NULL OR NEW.list_version < unlisted_version)
        )
        UNION ALL
        (
            SELECT source FROM lists_imported WHERE plate = listed AND category = NEW.category
            ORDER BY left_at DESC NULLS FIRST FETCH FIRST ROW WITH TIES
        )
    );
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION lists_name_sources FROM PUBLIC;

CREATE TRIGGER lists_name_sources BEFORE INSERT ON alerts_alert FOR EACH ROW WHEN (NEW.covert_group IS NULL)
    EXECUTE FUNCTION lists_name_sources();
