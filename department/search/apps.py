"""The search as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry


class Search(AppConfig):
    """The app."""

    name = "platepost.department.search"
    navigation = (NavigationEntry(30, "search", _("Search"), Permission.SEARCH),)
