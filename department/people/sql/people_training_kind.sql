-- Training results as the archive counts and deletes them: from when a later one counts, or the person has left. The
-- last result in a topic, by which a right is computed, stays as long as the person does.
CREATE OR REPLACE VIEW people_training_kind AS
SELECT id, least(
    (SELECT min(noted_at) FROM people_training AS later
        WHERE (later.person_id, later.topic) = (noted.person_id, noted.topic)
        AND (later.held_at, later.id) > (noted.held_at, noted.id)),
    (SELECT disabled_at FROM people_person WHERE id = noted.person_id)
) AS over_at FROM people_training AS noted;

INSERT INTO archive_kind (class, relation, at_column, case_column, group_column)
VALUES ('training_noted', 'people_training_kind', 'over_at', NULL, NULL)
ON CONFLICT (class) DO UPDATE SET relation = excluded.relation, at_column = excluded.at_column,
    case_column = excluded.case_column, group_column = excluded.group_column;
