"""The archive's tables: see the SQL beside this file."""

import uuid
from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables, and what Django knows of them."""

    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(_SQL.read_text("utf-8")),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField()),
                ("case_number", models.TextField()),
                ("person", models.TextField()),
                ("reason", models.TextField()),
                ("placed_at", models.DateTimeField(auto_now_add=True)),
                ("review_on", models.DateField()),
                (
                    "records",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "passages",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "posts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "plates",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("since", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(null=True)),
                (
                    "groups",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("lifted_by", models.TextField(null=True)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_because", models.TextField(null=True)),
            ],
            options={
                "db_table": "archive_hold",
                "ordering": ("id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="BackupRecord",
            fields=[
                ("sha256", models.TextField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "archive_backup",
                "ordering": ("made_at",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="PurgePlan",
            fields=[
                ("plan", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("law", models.TextField()),
                ("planned_by", models.TextField()),
                ("planned_at", models.DateTimeField(auto_now_add=True)),
                ("resolution", models.TextField(null=True)),
                ("resolution_date", models.DateField(null=True)),
                ("attorney", models.TextField(null=True)),
                ("consent_date", models.DateField(null=True)),
                ("review", models.TextField(null=True)),
                (
                    "backups",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("replays", models.UUIDField(null=True)),
                (
                    "holds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("approved_by", models.TextField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("begun_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "archive_plan",
                "ordering": ("planned_at",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="RetentionTerm",
            fields=[
                ("retention", models.TextField(db_column="class", primary_key=True, serialize=False)),
                ("law", models.TextField()),
                ("floor_days", models.IntegerField()),
                ("ceiling_days", models.IntegerField()),
                ("kept_days", models.IntegerField()),
            ],
            options={
                "db_table": "archive_term",
                "ordering": ("retention",),
                "managed": False,
            },
        ),
    ]
