"""The ledger's tables: see the SQL beside this file."""

from pathlib import Path

from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables, and what Django knows of them."""

    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(_SQL.read_text("utf-8")),
        migrations.CreateModel(
            name="Agency",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("in_state", "in state"),
                            ("federal", "federal"),
                            ("out_of_state", "out of state"),
                            ("private", "private"),
                        ]
                    ),
                ),
                ("allowed", models.BooleanField()),
                ("note", models.TextField()),
            ],
            options={
                "db_table": "ledger_agency",
                "ordering": ("name",),
                "managed": False,
            },
        ),
    ]
