-- Results of exercises, as the archive counts and deletes them.
INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('training', 'people_exercise', 'done_at', NULL, NULL)
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
