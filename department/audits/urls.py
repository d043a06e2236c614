"""The addresses of the pages of audits."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.audits import ledger, views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/<uuid:query>/", ledger.entries, name="ledger_entries"),
    path("ledger/file/", ledger.ledger_download, name="ledger_file"),
    path("reviews/", ledger.reviews, name="reviews"),
    path("audits/", views.audits, name="audits"),
    path("audits/plan/", views.plan, name="audit_plan"),
    path("audits/plan/<int:number>/end/", views.end_plan, name="audit_plan_end"),
    path("audits/plan/<int:number>/begin/", views.begin, name="audit_begin"),
    path("audits/report/", views.report, name="audit_report"),
    path("audits/<int:number>/", views.audit, name="audit"),
    path("audits/report/file/", views.report_file, name="audit_report_file"),
    path("audits/<int:number>/file/", views.audit_download, name="audit_file"),
    path("audits/<int:number>/finish/", views.finish, name="audit_finish"),
    path("audits/sample/<int:number>/", views.judge, name="audit_judge"),
    path("household/", views.household, name="household"),
    path("findings/<int:number>/", views.finding, name="finding"),
    path("findings/<int:number>/answer/", views.answer, name="finding_answer"),
    path("findings/<int:number>/close/", views.close, name="finding_close"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        50,
        "audits",
        _("Audits"),
        Permission.REVIEW_SEARCHES,
        _("Plan and carry out audits, and follow up what they found."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        60,
        "reviews",
        _("Reviews"),
        Permission.REVIEW_EXIGENT,
        _("Review exigent searches, and approve those that wait for you."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        70,
        "ledger",
        _("Ledger"),
        Permission.READ_LEDGER,
        _("Everything that anyone did or saw, entry by entry."),
    ),
)
