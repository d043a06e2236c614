"""The alerts as Django knows them: whenever it migrates, it brings the table of steps up to `states`."""

import json

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate

from platepost.department.alerts.states import transition_rows

_FILL = """
WITH stated AS (SELECT * FROM jsonb_populate_recordset(NULL::alerts_transition, %s)),
gone AS (DELETE FROM alerts_transition WHERE (step, from_state) NOT IN (SELECT step, from_state FROM stated))
INSERT INTO alerts_transition TABLE stated ON CONFLICT (step, from_state) DO UPDATE
SET to_state = excluded.to_state, near_state = excluded.near_state, roles = excluded.roles,
    certifications = excluded.certifications, topics = excluded.topics
"""


class Alerts(AppConfig):
    """The app."""

    name = "platepost.department.alerts"

    def ready(self) -> None:
        """Have the table of steps filled in after each migration."""
        post_migrate.connect(_fill_transitions, sender=self)


def _fill_transitions(**_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [json.dumps([*transition_rows()])])
