"""Codes that were used, so that none works twice, whichever process takes it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """The fifth. Rows are only added."""

    dependencies = [("people", "0004_covert")]
    operations = [
        migrations.CreateModel(
            name="UsedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.ForeignKey("people.DepartmentPerson", models.PROTECT, related_name="+")),
                ("code", models.CharField(max_length=32)),
                ("used_at", models.DateTimeField()),
                ("period", models.BigIntegerField()),
            ],
            options={
                "db_table": "people_used_code",
                "constraints": [
                    models.UniqueConstraint(fields=("person", "code", "period"), name="people_used_code_once")
                ],
            },
        ),
        migrations.RunSQL("GRANT SELECT, INSERT ON people_used_code TO platepost_web"),
    ]
