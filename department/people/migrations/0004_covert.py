"""Who is in which covert group: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Members of covert groups, said by the command line alone."""

    dependencies = [("people", "0003_provider")]
    operations = [
        migrations.CreateModel(
            name="CovertMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.ForeignKey("people.DepartmentPerson", models.PROTECT, related_name="covert")),
                ("group", models.CharField(max_length=32)),
                ("joined_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "people_covert",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "group"),
                        condition=models.Q(("left_at", None)),
                        name="people_covert_once",
                    )
                ],
            },
        ),
        migrations.RunSQL(_SQL.read_text("utf-8")),
    ]
