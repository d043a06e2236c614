"""The addresses of the status page, and of what is lacking before a department goes live."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.status import admissions_views
from platepost.department.status.views import go_live, status
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("", status, name="status"),
    path("go-live/", go_live, name="go_live"),
    path("admissions/", admissions_views.show, name="admissions"),
    path("admissions/ask/", admissions_views.ask, name="admission_ask"),
    path("admissions/<int:number>/confirm/", admissions_views.confirm, name="admission_confirm"),
    path("admissions/<int:number>/end/", admissions_views.end, name="admission_end"),
    path("admissions/<int:number>/stolen/", admissions_views.stolen, name="admission_stolen"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        10,
        "status",
        _("System status"),
        summary=_("Whether posts report, records arrive, and nightly tasks were done."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        125,
        "admissions",
        _("Admitted records"),
        summary=_("What units signed after their key had ended, and who admitted it."),
    ),
)
