-- The purger says that bodies may go where a plan that is carried out says so. Only the plan's function deletes them.
CREATE OR REPLACE FUNCTION archive_guard_erasure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(nullif(current_setting('role'), 'none'), session_user) = 'platepost_purger'
        AND EXISTS (SELECT FROM ledger_entry WHERE entry = NEW.entry AND event = 'erased')
        AND NOT EXISTS (
            SELECT FROM archive_part AS part JOIN archive_plan AS asked USING (plan) JOIN ledger_body AS ending
                ON ending.field = 'class' AND part.class = 'ledger_' || (ending.value::jsonb #>> '{}')
            WHERE ending.entry = NEW.entry AND asked.begun_at IS NOT NULL AND part.dropped_at IS NULL
            AND part.ends >= (NEW.value::jsonb #>> '{}')::timestamptz
        )
    THEN
        RAISE EXCEPTION 'no second person has approved it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_approved';
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION archive_guard_erasure FROM PUBLIC;

CREATE TRIGGER archive_erasure_planned AFTER INSERT ON ledger_body
    FOR EACH ROW WHEN (NEW.field = 'until') EXECUTE FUNCTION archive_guard_erasure();
