-- after: ledger_enter_each
-- Closes entries that nobody has closed for an hour, by what they covered; returns how many. Nothing that was opened
-- stays out of the ledger because a program stopped, or meant to leave it out.
CREATE OR REPLACE FUNCTION ledger_close_left() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    closed integer := 0;
    opened uuid;
BEGIN
    FOR opened IN
        SELECT DISTINCT entry FROM public.ledger_covered WHERE at < clock_timestamp() - interval '1 hour'
    LOOP
        IF EXISTS (
            SELECT FROM public.ledger_entry AS later
            WHERE later.refers_to = opened AND later.event IN ('shown', 'failed')
        ) THEN
            DELETE FROM public.ledger_covered WHERE entry = opened;
        ELSE
            PERFORM public.ledger_enter_each('failed', ARRAY[opened],
                '[{"records": [], "pictures": [], "covert": {}, "reason": "NotClosed"}]');
            closed := closed + 1;
        END IF;
    END LOOP;
    RETURN closed;
END
$$;

REVOKE ALL ON FUNCTION ledger_close_left FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_close_left TO platepost_keeper;
