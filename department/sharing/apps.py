"""Sharing as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry


class Sharing(AppConfig):
    """The app."""

    name = "platepost.department.sharing"
    navigation = (
        NavigationEntry(70, "agencies", _("Agencies"), Permission.ANSWER_REQUESTS),
        NavigationEntry(90, "requests", _("Requests"), Permission.ANSWER_REQUESTS),
        NavigationEntry(100, "incidents", _("Breaches"), Permission.ANSWER_REQUESTS),
        NavigationEntry(110, "policy", _("Policy")),
        NavigationEntry(150, "doors", _("Side doors")),
    )
