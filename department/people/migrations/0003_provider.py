"""Roles by the groups of an identity provider: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Which group is which role, and a function by which the pages say who is in what group."""

    dependencies = [
        ("people", "0002_rights"),
    ]

    operations = [
        migrations.AddField(
            model_name="rolegrant",
            name="given_via",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.CreateModel(
            name="ProviderGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("operator", "operator"),
                            ("dispatcher", "dispatcher"),
                            ("supervisor", "supervisor"),
                            ("trainer", "trainer"),
                            ("records_manager", "records manager"),
                            ("auditor", "auditor"),
                            ("administrator", "administrator"),
                        ],
                        max_length=16,
                    ),
                ),
            ],
            options={
                "db_table": "people_provider_group",
                "constraints": [models.UniqueConstraint(fields=("name", "role"), name="people_provider_group_once")],
            },
        ),
        migrations.RunSQL(_SQL.read_text("utf-8")),
    ]
