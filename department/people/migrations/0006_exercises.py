"""What came of exercises of training."""

import django.utils.timezone
from django.db import migrations, models

_TOPICS = [(topic, topic) for topic in ("authorities", "policy", "security", "practical")]
RIGHTS = """
CREATE TRIGGER people_exercised AFTER INSERT ON people_exercise
    FOR EACH ROW EXECUTE FUNCTION people_note('exercises_done');
GRANT SELECT, INSERT ON people_exercise TO platepost_web;
GRANT SELECT ON people_exercise TO platepost_auditor;
"""


class Migration(migrations.Migration):
    """The sixth. Rows are only added."""

    dependencies = [("people", "0005_used_code")]
    operations = [
        migrations.CreateModel(
            name="ExerciseResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.ForeignKey("people.DepartmentPerson", models.PROTECT, related_name="exercises")),
                ("exercises", models.CharField(max_length=40)),
                ("topic", models.CharField(choices=_TOPICS, max_length=12)),
                ("asked", models.PositiveSmallIntegerField()),
                ("right", models.PositiveSmallIntegerField()),
                ("done_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"db_table": "people_exercise"},
        ),
        migrations.RunSQL(RIGHTS),
    ]
