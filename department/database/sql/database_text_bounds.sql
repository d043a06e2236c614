-- Every stored text has a bound: what the pages may write stays for a year or longer, and every page that shows it would
-- have all of it. Records have bounds of their own, in their format, and the ledger in `ledger_append_each`: what a large
-- export was shown is long. Rows that exist are not read for this.
DO $$
DECLARE
    bounded record;
BEGIN
    FOR bounded IN
        SELECT columns.relation, string_agg(format(
            'DROP CONSTRAINT IF EXISTS %1$I, ADD CONSTRAINT %1$I CHECK (%2$s(%3$I) <= %4$s) NOT VALID',
            left(columns.relation || '_' || columns.attribute, 55) || '_bound', columns.measure, columns.attribute, CASE
                WHEN columns.attribute IN ('report', 'signed') THEN 8388608
                WHEN columns.measure = 'pg_column_size' OR columns.relation ~ '^policy_' OR columns.attribute IN (
                    'certificate', 'head', 'mapping', 'message', 'sealed', 'session_data'
                ) THEN 1048576
                ELSE 16384
            END
        ), ', ' ORDER BY columns.attribute) AS changes
        FROM (
            SELECT relation.relname::text AS relation, attribute.attname::text AS attribute,
                CASE type.typname WHEN 'text' THEN 'octet_length' WHEN 'varchar' THEN 'octet_length'
                    ELSE 'pg_column_size' END AS measure
            FROM pg_class AS relation
            JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid AND attribute.attnum > 0
            JOIN pg_type AS type ON type.oid = attribute.atttypid
            WHERE relation.relnamespace = 'public'::regnamespace AND relation.relkind = 'r'
            AND relation.relname !~ '^custody_' AND relation.relname <> 'ledger_body' AND NOT relation.relispartition AND NOT attribute.attisdropped
            AND (type.typname IN ('text', '_text', 'json', 'jsonb') OR type.typname = 'varchar' AND attribute.atttypmod < 0)
        ) AS columns GROUP BY columns.relation
    LOOP
        EXECUTE format('ALTER TABLE %I %s', bounded.relation, bounded.changes);
    END LOOP;
END
$$;
