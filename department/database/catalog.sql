-- A digest of everything that decides who may do what, and what is refused: functions, views, triggers, policies,
-- constraints, columns, rights and owners. Not of an index that only makes the database fast. Numbers of objects that
-- PostgreSQL did not make itself begin at 16384 (FirstNormalObjectId). Which partitions of weeks there are depends on the
-- records; each must be as its parent, and has a line only where it is not.
WITH space AS (
    SELECT oid AS space, nspname, nspowner, nspacl, CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END AS prefix
    FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)_' AND nspname <> 'information_schema'
), relation AS (
    SELECT pg_class.*, prefix || relname AS named, relispartition AND relname ~ '_d?[0-9]{8}$' AS is_week
    FROM pg_class JOIN space ON space = relnamespace WHERE nspname NOT IN ('pg_catalog', 'pg_toast')
), routine AS (
    SELECT pg_proc.*, prefix || proname AS named
    FROM pg_proc JOIN space ON space = pronamespace WHERE pg_proc.oid >= 16384
), granted AS (
    SELECT relation.oid, string_agg(one, ',' ORDER BY one) AS rights
    FROM relation CROSS JOIN LATERAL (
        SELECT concat_ws(' ', grantee::regrole, privilege_type, is_grantable) AS one
        FROM aclexplode(relacl) WHERE grantee <> relowner
        UNION ALL
        SELECT concat_ws(' ', grantee::regrole, privilege_type, is_grantable, attname)
        FROM pg_attribute, aclexplode(attacl) WHERE attrelid = relation.oid AND grantee <> relowner
    ) AS each GROUP BY relation.oid
), own_trigger AS (
    SELECT own.oid, own.tgname, own.tgenabled, own.tgparentid, own.tgisinternal, relation.named, relation.is_week
    FROM pg_trigger AS own JOIN relation ON relation.oid = tgrelid
)
SELECT name, encode(sha256(convert_to(definition, 'UTF8')), 'hex') FROM (
    SELECT format('function %s(%s)', named, pg_get_function_identity_arguments(oid)) AS name,
        concat_ws(' ', proowner::regrole, CASE prokind WHEN 'a' THEN prosrc ELSE pg_get_functiondef(oid) END, (
            SELECT string_agg(concat_ws(' ', grantee::regrole, is_grantable), ',' ORDER BY grantee::regrole::text)
            FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner
        )) AS definition
    FROM routine
    UNION ALL
    SELECT format('view %s', named), concat_ws(' ', relowner::regrole, reloptions, pg_get_viewdef(oid))
    FROM relation WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT format('rights of %s', named),
        concat_ws(' ', relkind, relpersistence, relowner::regrole, relrowsecurity, relforcerowsecurity, rights)
    FROM relation LEFT JOIN granted USING (oid)
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND (NOT is_week OR relrowsecurity OR relforcerowsecurity OR rights IS NOT NULL OR relkind = 'f' OR relowner <> (
        SELECT above.relowner FROM pg_inherits JOIN pg_class AS above ON above.oid = inhparent
        WHERE inhrelid = relation.oid
    ))
    UNION ALL
    SELECT format('columns of %s', named), string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod),
        attnotnull, attgenerated, attidentity, pg_get_expr(adbin, adrelid)), ',' ORDER BY attname)
    FROM relation JOIN pg_attribute ON attrelid = relation.oid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind IN ('r', 'p', 'f') AND NOT is_week AND attnum > 0 AND NOT attisdropped GROUP BY named
    UNION ALL
    -- A dump writes casts and parentheses of its own, and a constraint for each column that is not null.
    SELECT format('constraint %s of %s', conname, coalesce(named, contypid::regtype::text)), concat_ws(' ',
        convalidated, regexp_replace(pg_get_constraintdef(c.oid), '::(character varying|text)(\[\])?|[() ]', '', 'g'))
    FROM pg_constraint AS c LEFT JOIN relation ON relation.oid = conrelid
    WHERE c.oid >= 16384 AND contype <> 'n' AND (named IS NOT NULL AND NOT is_week OR contypid <> 0)
    UNION ALL
    SELECT format('unique index %s', named), pg_get_indexdef(oid)
    FROM relation JOIN pg_index ON indexrelid = relation.oid
    WHERE indisunique AND relation.relkind IN ('i', 'I') AND NOT relation.relispartition AND NOT (
        SELECT relispartition FROM pg_class WHERE pg_class.oid = indrelid
    )
    UNION ALL
    SELECT format('trigger %s of %s', tgname, named), concat_ws(' ', tgenabled, pg_get_triggerdef(oid))
    FROM own_trigger WHERE NOT tgisinternal AND tgparentid = 0 AND NOT is_week
    UNION ALL
    -- A week's partition has triggers of its own as its parent has them: only where it has not.
    SELECT format('own triggers of %s', relation.named), coalesce(part.triggers, 'none')
    FROM relation JOIN pg_inherits ON inhrelid = relation.oid, LATERAL (
        SELECT string_agg(concat_ws(' ', tgname, tgenabled, tgtype, tgfoid::regproc, tgargs, tgnewtable), ',' ORDER BY tgname)
            FILTER (WHERE tgrelid = relation.oid) AS triggers,
            string_agg(concat_ws(' ', tgname, tgenabled, tgtype, tgfoid::regproc, tgargs, tgnewtable), ',' ORDER BY tgname)
            FILTER (WHERE tgrelid = inhparent) AS wanted
        FROM pg_trigger WHERE tgrelid IN (relation.oid, inhparent) AND NOT tgisinternal AND tgparentid = 0
    ) AS part
    WHERE is_week AND part.triggers IS DISTINCT FROM part.wanted
    UNION ALL
    -- What a week's partition has of its parent, and what a foreign key is enforced by: only where it is switched off.
    SELECT format('triggers of %s', named), string_agg(concat_ws(' ', tgname, tgenabled), ',' ORDER BY tgname)
    FROM own_trigger
    WHERE tgenabled <> coalesce((SELECT tgenabled FROM pg_trigger AS above WHERE above.oid = own_trigger.tgparentid), 'O')
    AND (tgisinternal OR tgparentid <> 0) GROUP BY named
    UNION ALL
    SELECT format('policy %s of %s', polname, named), concat_ws(' ', polcmd, polpermissive,
        (SELECT string_agg(one, ',' ORDER BY one) FROM (
            SELECT CASE role WHEN 0 THEN 'public' ELSE role::regrole::text END AS one FROM unnest(polroles) AS role
        ) AS each),
        pg_get_expr(polqual, polrelid), 'CHECK', pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN relation ON relation.oid = polrelid
    UNION ALL
    SELECT format('rule %s of %s', rulename, named), concat_ws(' ', ev_enabled, pg_get_ruledef(pg_rewrite.oid))
    FROM pg_rewrite JOIN relation ON relation.oid = ev_class WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT format('schema %s', nspname), concat_ws(' ', nspowner::regrole, (
        SELECT string_agg(concat_ws(' ', grantee::regrole, privilege_type), ',' ORDER BY grantee::regrole::text,
            privilege_type)
        FROM aclexplode(nspacl)
    ))
    FROM space WHERE space >= 16384 OR nspname = 'public'
    UNION ALL
    SELECT format('extension %s', extname), extowner::regrole::text FROM pg_extension
    UNION ALL
    SELECT format('language %s', lanname), concat_ws(' ', lanowner::regrole, lanpltrusted) FROM pg_language
    UNION ALL
    SELECT format('event trigger %s', evtname), concat_ws(' ', evtenabled, evtevent, evtfoid::regproc)
    FROM pg_event_trigger
    UNION ALL
    SELECT format('default rights of %s', coalesce(defaclrole::regrole::text, '')), string_agg(concat_ws(' ',
        defaclnamespace::regnamespace, defaclobjtype, defaclacl), ',' ORDER BY defaclnamespace, defaclobjtype)
    FROM pg_default_acl GROUP BY defaclrole
    UNION ALL
    SELECT format('publication %s', pubname), concat_ws(' ', pubowner::regrole, puballtables) FROM pg_publication
    UNION ALL
    -- What comes by one fires no trigger of a statement.
    SELECT format('subscription %s', subname), subowner::regrole::text
    FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT format('foreign server %s', srvname), srvowner::regrole::text FROM pg_foreign_server
    UNION ALL
    -- Whether pgaudit is installed, which `check` looks at by itself, is not the release's.
    SELECT format('settings of %s', coalesce(rolname, 'everyone')), string_agg(setting, ',' ORDER BY setting)
    FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole CROSS JOIN unnest(setconfig) AS setting
    WHERE setting NOT LIKE 'pgaudit.%' AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND (setrole = 0 OR rolname LIKE 'platepost\_%') GROUP BY rolname
    UNION ALL
    SELECT format('members of %s', roleid::regrole),
        string_agg(member::regrole::text, ',' ORDER BY member::regrole::text)
    FROM pg_auth_members WHERE roleid::regrole::text LIKE 'platepost\_%' GROUP BY roleid
) AS objects
