-- Whether somebody was asked within a day to write something in other words, because of a forbidden one.
CREATE OR REPLACE FUNCTION ledger_warned(who text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM public.ledger_entry AS refused
    JOIN public.ledger_body AS person ON person.entry = refused.entry AND person.field = 'person'
    JOIN public.ledger_body AS word ON word.entry = refused.entry AND word.field = 'word'
    WHERE refused.event IN ('refused', 'words_refused') AND refused.at > clock_timestamp() - interval '1 day'
    AND person.value::json #>> '{}' = who
)
$$;

REVOKE ALL ON FUNCTION ledger_warned FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_warned TO platepost_web, platepost_auditor, platepost_signer, platepost_federation;
