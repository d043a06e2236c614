-- Leads as the archive counts and deletes them: a lead has its entry's case and group.
CREATE OR REPLACE VIEW lists_lead_kind AS
SELECT entry_id, found_at, (SELECT case_number FROM lists_entry WHERE id = entry_id) AS case_number,
    (SELECT distribution FROM lists_entry WHERE id = entry_id) AS distribution FROM lists_lead;

INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('lookback', 'lists_lead_kind', 'found_at', 'case_number', 'distribution')
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
