"""Federation as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry


class Federation(AppConfig):
    """The app."""

    name = "platepost.department.federation"
    navigation = (NavigationEntry(80, "partners", _("Partners"), Permission.ANSWER_REQUESTS),)
