-- After `archive_part_guarded`, which has counted all.
CREATE OR REPLACE FUNCTION archive_show_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM archive_kind WHERE class = NEW.class AND group_column IS NOT NULL) THEN
        SELECT jsonb_build_object('records', coalesce(sum(there), 0), 'held', coalesce(sum(held), 0)) INTO NEW.shown
        FROM archive_old_groups(NEW.class, NEW.ends) WHERE covert_group IS NULL;
    END IF;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION archive_show_part FROM PUBLIC;

CREATE TRIGGER archive_part_shown BEFORE INSERT ON archive_part FOR EACH ROW EXECUTE FUNCTION archive_show_part();
