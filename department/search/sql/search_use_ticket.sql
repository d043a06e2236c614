-- Returns what a ticket of a session opens, once; no session lasts for longer than twelve hours.
CREATE OR REPLACE FUNCTION search_use_ticket(used uuid, whose text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    opened jsonb;
BEGIN
    DELETE FROM public.search_ticket WHERE at < now() - interval '12 hours';
    DELETE FROM public.search_ticket WHERE id = used AND session = sha256(convert_to(whose, 'UTF8'))
    RETURNING opens INTO opened;
    RETURN opened;
END
$$;

REVOKE ALL ON FUNCTION search_use_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_use_ticket TO platepost_web;
