"""The tables of federation: see the SQL beside this file."""

from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

_SQL = Path(__file__).with_suffix(".sql")


class Migration(migrations.Migration):
    """Tables, and what Django knows of them."""

    initial = True

    dependencies = [
        ("ledger", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(_SQL.read_text("utf-8")),
        migrations.CreateModel(
            name="FederatedExchange",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("side", models.TextField()),
                ("person", models.TextField()),
                ("purpose", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("digest", models.TextField()),
                ("committed", models.TextField(null=True)),
                ("case_number", models.TextField(null=True)),
                ("salt", models.BinaryField(null=True)),
                ("decision", models.TextField(null=True)),
                ("entry", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "federation_exchange",
                "ordering": ("-at",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="PartnerDepartment",
            fields=[
                (
                    "agency",
                    models.OneToOneField(
                        db_column="agency",
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="ledger.agency",
                    ),
                ),
                ("url", models.TextField()),
                ("certificate", models.TextField()),
                ("person", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "federation_partner",
                "ordering": ("agency_id",),
                "managed": False,
            },
        ),
    ]
