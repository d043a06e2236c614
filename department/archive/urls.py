"""The addresses of the pages of the archive."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.archive import views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry

urlpatterns = [
    path("archive/", views.archive, name="archive"),
    path("archive/term/", views.change_term, name="archive_term"),
    path("archive/plan/", views.propose, name="archive_propose"),
    path("archive/plan/<uuid:plan>/", views.plan, name="archive_plan"),
    path("archive/plan/<uuid:plan>/approve/", views.approve, name="archive_approve"),
    path("holds/", views.holds, name="holds"),
    path("holds/<int:hold>/review/", views.review, name="hold_review"),
    path("holds/<int:hold>/lift/", views.lift, name="hold_lift"),
]

navigation = (
    NavigationEntry(50, "holds", _("Holds"), Permission.PLACE_HOLD),
    NavigationEntry(60, "archive", _("Archive"), Permission.PLAN_PURGE),
)
