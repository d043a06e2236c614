-- Saved searches, as the archive counts and deletes them.
INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('saved_work', 'search_saved', 'at', 'work', NULL)
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
