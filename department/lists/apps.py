"""The lists as Django knows them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry


class Lists(AppConfig):
    """The app."""

    name = "platepost.department.lists"
    navigation = (NavigationEntry(40, "lists", _("Lists"), Permission.PROPOSE_LIST),)
