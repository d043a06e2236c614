-- after: people_session_of
-- The fields of an entry for whoever has a session of the pages. The database says who that is, of which agency, and in
-- which of the groups that are asked for; the pages say purpose and query. Fails for whoever has no role for it. No role
-- calls this.
CREATE OR REPLACE FUNCTION ledger_intent(given text, event text, fields json) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    who record;
    fitting text[] := CASE event WHEN 'intent' THEN '{operator,dispatcher,supervisor,records_manager}'
        WHEN 'log_intent' THEN '{auditor,supervisor,records_manager}' END;
    known json;
BEGIN
    SELECT * INTO who FROM public.people_session_of(given);
    IF who.login IS NULL OR NOT coalesce(who.roles && fitting, false) AND NOT (
        -- Who must answer for something sees which entries it is about.
        event = 'log_intent' AND EXISTS (
            SELECT FROM public.audits_finding AS matched
            WHERE matched.subject = who.login AND matched.id::text = fields -> 'query' ->> 'finding'
        )
    ) THEN
        RAISE EXCEPTION 'this session belongs to no one who may see this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT json_object_agg(member.key, CASE member.key
        WHEN 'person' THEN to_json(who.login)
        WHEN 'agency' THEN to_json(who.agency)
        WHEN 'groups' THEN coalesce((
            SELECT json_agg(named ORDER BY place) FROM json_array_elements_text(member.value)
            WITH ORDINALITY AS wanted (named, place) WHERE named = ANY (who.groups)
        ), '[]')
        ELSE member.value
    END) INTO known FROM json_each(fields) AS member;
    RETURN known;
END
$$;

REVOKE ALL ON FUNCTION ledger_intent FROM PUBLIC;
