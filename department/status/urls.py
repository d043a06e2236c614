"""The addresses of the status page, and of what is lacking before a department goes live."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.status.views import go_live, status
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [path("", status, name="status"), path("go-live/", go_live, name="go_live")]

navigation = (
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        10,
        "status",
        _("System status"),
        summary=_("Whether posts report, records arrive, and nightly tasks were done."),
    ),
)
