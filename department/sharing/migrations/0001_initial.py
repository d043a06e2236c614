"""The tables of sharing: see the SQL beside this file."""

from pathlib import Path

import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables, and what Django knows of them."""

    initial = True

    dependencies = [("archive", "0001_initial"), ("ledger", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="ProposedLaw",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("law", models.JSONField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("confirmed_by", models.TextField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "sharing_law", "ordering": ("-id",), "managed": False},
        ),
        migrations.RunSQL(_SQL.read_text("utf-8")),
        migrations.CreateModel(
            name="AgencyVerification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("says", models.TextField()),
                ("until", models.DateField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "ledger_verification",
                "ordering": ("-id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="BreachIncident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField()),
                ("subject", models.TextField()),
                ("says", models.TextField()),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("known_on", models.DateField()),
                ("notify_by", models.DateField()),
                ("encrypted", models.BooleanField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("computed_at", models.DateTimeField(null=True)),
                ("plates", models.IntegerField(null=True)),
                ("reads", models.IntegerField(null=True)),
                ("gone", models.IntegerField(null=True)),
                ("digest", models.TextField(null=True)),
                ("notified_by", models.TextField(null=True)),
                ("notified_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "sharing_incident",
                "ordering": ("notify_by", "id"),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("digest", models.TextField(primary_key=True, serialize=False)),
                ("says", models.TextField()),
                ("hearing", models.DateField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "sharing_policy",
                "ordering": ("-at",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="SharingAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("says", models.TextField()),
                ("purposes", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("scope", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("per_hour", models.IntegerField(null=True)),
                ("begins", models.DateField()),
                ("ends", models.DateField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_by", models.TextField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "ledger_sharing",
                "ordering": ("-id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="SharingRelease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recipient", models.TextField()),
                ("recipient_key", models.TextField()),
                ("package", models.UUIDField()),
                ("digest", models.TextField()),
                ("records", models.IntegerField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("recalled_by", models.TextField(null=True)),
                ("recalled_at", models.DateTimeField(null=True)),
                ("recalled_because", models.TextField(null=True)),
            ],
            options={
                "db_table": "sharing_release",
                "ordering": ("id",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="SharingRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField()),
                ("requester", models.TextField()),
                ("address", models.TextField(default="")),
                ("says", models.TextField()),
                ("order_number", models.TextField(default="")),
                ("purpose", models.TextField(default="")),
                ("received_on", models.DateField()),
                ("due_on", models.DateField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("corrected_by", models.TextField(null=True)),
                ("corrected_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.TextField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("extended_because", models.TextField(null=True)),
                ("decision", models.TextField(null=True)),
                ("because", models.TextField(null=True)),
                ("answers", models.JSONField(default=list)),
                ("decided_by", models.TextField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("log_since", models.DateField(null=True)),
                ("log_until", models.DateField(null=True)),
                ("log_totals", models.JSONField(null=True)),
            ],
            options={
                "db_table": "sharing_request",
                "ordering": ("due_on", "id"),
                "managed": False,
            },
        ),
    ]
