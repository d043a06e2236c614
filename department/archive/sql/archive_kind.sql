-- Bodies of the ledger, which `archive_sweep` counts and deletes by their entries.
INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('ledger_access', 'ledger_body', 'at', NULL, NULL),
    ('ledger_rights', 'ledger_body', 'at', NULL, NULL)
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
