"""The ledger as Django knows it: whenever it migrates, it brings the table of events up to the catalog."""

import json

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate

from department.ledger.catalog import catalog_rows

# An event's class is never changed: the entries that there are name it.
_FILL = """
INSERT INTO ledger_event SELECT * FROM jsonb_populate_recordset(NULL::ledger_event, %s)
ON CONFLICT (event) DO UPDATE
SET carries = excluded.carries, refers_to = excluded.refers_to, writers = excluded.writers
"""


class Ledger(AppConfig):
    """The app."""

    name = "department.ledger"

    def ready(self) -> None:
        """Have the catalog filled in after each migration."""
        post_migrate.connect(_fill_catalog, sender=self)


def _fill_catalog(**_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [json.dumps(catalog_rows())])
