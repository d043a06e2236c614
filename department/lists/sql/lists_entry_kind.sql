-- Entries as the archive counts and deletes them. A lead is deleted before its entry: an entry would take leads along
-- whose term is not over.
CREATE OR REPLACE VIEW lists_entry_kind AS
SELECT id, over_at, case_number, distribution FROM lists_entry
WHERE NOT EXISTS (SELECT FROM lists_lead WHERE entry_id = lists_entry.id);

INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('list_entry', 'lists_entry_kind', 'over_at', 'case_number', 'distribution')
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
