"""The status page as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.web.navigation import NavigationEntry


class Status(AppConfig):
    """The app."""

    name = "platepost.department.status"
    navigation = (NavigationEntry(10, "status", _("Custody")),)
