"""The ledger as Django knows it: whenever it migrates, it brings its tables up to the catalog."""

import json

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate

from platepost.department.ledger.catalog import LEAST, catalog_rows

# An event's class is never changed: the entries that there are name it.
_FILL = """
INSERT INTO ledger_event SELECT * FROM jsonb_populate_recordset(NULL::ledger_event, %s)
ON CONFLICT (event) DO UPDATE
SET carries = excluded.carries, refers_to = excluded.refers_to, writers = excluded.writers
"""
_CLASS = """
INSERT INTO ledger_class VALUES (%s, %s) ON CONFLICT (class) DO UPDATE SET least = excluded.least
"""


class Ledger(AppConfig):
    """The app."""

    name = "platepost.department.ledger"

    def ready(self) -> None:
        """Have the catalog filled in after each migration."""
        post_migrate.connect(_fill_catalog, sender=self)


def _fill_catalog(**_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [json.dumps(catalog_rows())])
        cursor.executemany(_CLASS, [(ending.value, f"{least.days} days") for ending, least in LEAST.items()])
