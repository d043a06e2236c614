"""The tables of audits: see the SQL beside this file."""

from pathlib import Path

import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables, and what Django knows of them."""

    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(_SQL.read_text("utf-8")),
        migrations.CreateModel(
            name="AuditFinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.TextField()),
                ("subject", models.TextField()),
                ("month", models.DateField()),
                ("says", models.TextField()),
                ("entries", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("answer_by", models.DateTimeField()),
                ("close_by", models.DateTimeField()),
                ("outcome", models.TextField(null=True)),
                ("note", models.TextField(default="")),
                ("closed_by", models.TextField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audits_finding",
                "ordering": ("id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AuditPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField(choices=[("audit", "audit"), ("weekly review", "weekly review")])),
                ("auditor", models.TextField()),
                ("every_days", models.IntegerField()),
                ("samples", models.IntegerField()),
                ("days_to_finish", models.IntegerField()),
                ("purpose", models.TextField(default="")),
                ("agency", models.TextField(default="")),
                ("begins", models.DateTimeField()),
                ("made_by", models.TextField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_by", models.TextField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audits_plan",
                "ordering": ("id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AuditSample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.UUIDField()),
                ("subject", models.TextField()),
                ("outcome", models.TextField(null=True)),
                ("note", models.TextField(default="")),
                ("judged_by", models.TextField(null=True)),
                ("judged_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audits_sample",
                "ordering": ("id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="DrawnAudit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("seed", models.TextField()),
                ("searches", models.IntegerField()),
                ("drawn_by", models.TextField()),
                ("drawn_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField()),
                ("finished_by", models.TextField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audits_audit",
                "ordering": ("id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="FindingAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.TextField()),
                ("says", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "audits_answer",
                "ordering": ("id",),
                "managed": False,
            },
        ),
    ]
