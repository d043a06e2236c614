"""Audits as Django knows them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry


class Audits(AppConfig):
    """The app."""

    name = "platepost.department.audits"
    navigation = (
        NavigationEntry(130, "ledger", _("Ledger"), Permission.READ_LEDGER),
        NavigationEntry(160, "audits", _("Audits"), Permission.REVIEW_SEARCHES),
        NavigationEntry(170, "reviews", _("Reviews"), Permission.REVIEW_EXIGENT),
    )
