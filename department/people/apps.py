"""What happens once Django is set up."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.contrib.contenttypes.management import create_contenttypes
from django.db.models.signals import post_migrate


class PeopleConfig(AppConfig):
    """People."""

    name = "platepost.department.people"

    def ready(self) -> None:
        """Have log-offs entered in the ledger, and Django's own permissions, which nothing here uses, not made."""
        from platepost.department.people import sessions  # noqa: PLC0415, F401 - models are there now; it hears of log-ons
        from platepost.department.people.login import note_log_off  # noqa: PLC0415

        user_logged_out.connect(note_log_off, dispatch_uid="platepost.department.people.log_off")
        post_migrate.disconnect(create_contenttypes)
        post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
