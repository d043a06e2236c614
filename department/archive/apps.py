"""The archive as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry


class Archive(AppConfig):
    """The app."""

    name = "platepost.department.archive"
    navigation = (
        NavigationEntry(50, "holds", _("Holds"), Permission.PLACE_HOLD),
        NavigationEntry(60, "archive", _("Archive"), Permission.PLAN_PURGE),
    )
