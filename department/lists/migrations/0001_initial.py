"""The tables of the hot lists: see the SQL beside this file."""

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
            name="ListEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("plate", models.CharField(max_length=10)),
                ("characters", models.SmallIntegerField(null=True)),
                ("state", models.CharField(max_length=3, null=True)),
                ("category", models.CharField(max_length=32)),
                ("priority", models.SmallIntegerField()),
                ("distribution", models.CharField(max_length=32, null=True)),
                ("safe", models.BooleanField(default=False)),
                ("case_number", models.CharField(max_length=64)),
                ("purpose", models.CharField(max_length=50)),
                ("reason", models.CharField(max_length=200)),
                ("vehicle", models.CharField(default="", max_length=200)),
                ("instructions", models.CharField(default="", max_length=500)),
                ("author", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("second_person", models.BooleanField()),
                ("approved_by", models.CharField(max_length=64, null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(max_length=64, null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_because", models.CharField(max_length=200, null=True)),
                ("over_at", models.DateTimeField()),
                ("listed_version", models.BigIntegerField(null=True)),
                ("listed_at", models.DateTimeField(null=True)),
                ("unlisted_version", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "lists_entry",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ListImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=32)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("system_user", models.CharField(max_length=64)),
                ("mark", models.CharField(max_length=64)),
                ("mapping", models.TextField()),
                ("file", models.BinaryField(null=True)),
                ("accepted", models.IntegerField()),
                ("refused", models.IntegerField()),
                ("report", models.JSONField()),
                ("held_because", models.TextField(null=True)),
                ("let_go_by", models.CharField(max_length=64, null=True)),
                ("let_go_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "lists_import",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ListLead",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "entry_id", "record_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("record_id", models.BigIntegerField()),
                ("plate_fold", models.TextField()),
                ("found_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "lists_lead",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ListRecovery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("plate", models.CharField(max_length=10)),
                ("person", models.CharField(max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("reason", models.CharField(max_length=200)),
                ("version", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "lists_recovery",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ListRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=8)),
                ("person", models.CharField(max_length=64, null=True)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("override", models.CharField(max_length=200, null=True)),
                ("state", models.CharField(default="waiting", max_length=9)),
                ("message", models.TextField(default="")),
                ("version", models.BigIntegerField(null=True)),
                ("published_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "lists_request",
                "managed": False,
            },
        ),
    ]
