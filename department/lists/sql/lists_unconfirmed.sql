-- Whether an entry of an author's has been active for 15 minutes without a second person's approval.
CREATE OR REPLACE FUNCTION lists_unconfirmed(who text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.lists_entry AS entry
    WHERE entry.author = who AND entry.at_once AND entry.second_person AND entry.approved_at IS NULL
    AND entry.ended_at IS NULL AND entry.made_at < clock_timestamp() - interval '15 minutes'
)
$$;

REVOKE ALL ON FUNCTION lists_unconfirmed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lists_unconfirmed TO platepost_web;
