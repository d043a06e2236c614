"""How long results that trainers noted are kept: from when a later one counts, or the person has left."""

from django.db import migrations

# The last result in a topic, by which a right is computed, stays as long as the person does.
TERMS = """
CREATE VIEW people_training_kind AS
SELECT id, least(
    (SELECT min(noted_at) FROM people_training AS later
        WHERE (later.person_id, later.topic) = (noted.person_id, noted.topic)
        AND (later.held_at, later.id) > (noted.held_at, noted.id)),
    (SELECT disabled_at FROM people_person WHERE id = noted.person_id)
) AS over_at FROM people_training AS noted;
INSERT INTO archive_law SELECT law, 'training_noted', floor_days, ceiling_days FROM archive_law
WHERE class = 'training';
INSERT INTO archive_kind (class, relation, at_column) VALUES ('training_noted', 'people_training_kind', 'over_at');
"""


class Migration(migrations.Migration):
    """The eighth."""

    dependencies = [("people", "0007_terms"), ("archive", "0005_covert_kinds")]
    operations = [migrations.RunSQL(TERMS)]
