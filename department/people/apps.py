"""What happens once Django is set up."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """People."""

    name = "platepost.department.people"

    def ready(self) -> None:
        """Have log-offs entered in the ledger, and Django's own permissions, which nothing here uses, not made."""
        from django.contrib.auth.signals import user_logged_out  # noqa: PLC0415 - models are there now
        from django.contrib.contenttypes.management import create_contenttypes  # noqa: PLC0415
        from django.db.models.signals import post_migrate  # noqa: PLC0415

        from platepost.department.people import sessions  # noqa: PLC0415, F401 - it hears of log-ons
        from platepost.department.people.login import note_log_off  # noqa: PLC0415

        user_logged_out.connect(note_log_off, dispatch_uid="platepost.department.people.log_off")
        post_migrate.disconnect(create_contenttypes)
        post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
