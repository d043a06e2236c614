"""The addresses of the pages of the archive."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.archive import evidence_views, views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("archive/", views.archive, name="archive"),
    path("archive/term/", views.change_term, name="archive_term"),
    path("archive/plan/", views.propose, name="archive_propose"),
    path("archive/plan/<uuid:plan>/", views.plan, name="archive_plan"),
    path("archive/plan/<uuid:plan>/approve/", views.approve, name="archive_approve"),
    path("evidence/", evidence_views.carts, name="evidence"),
    path("evidence/add/", evidence_views.add, name="evidence_add"),
    path("evidence/<uuid:cart>/", evidence_views.cart, name="evidence_cart"),
    path("evidence/<uuid:cart>/records/", evidence_views.change, name="evidence_change"),
    path("evidence/<uuid:cart>/redact/<int:record>/", evidence_views.redact, name="evidence_redact"),
    path("evidence/<uuid:cart>/order/", evidence_views.order_package, name="evidence_order"),
    path("evidence/<uuid:cart>/package/", evidence_views.package, name="evidence_package"),
    path("evidence/<uuid:cart>/letter.pdf", evidence_views.letter, name="evidence_letter"),
    path("evidence/<uuid:cart>/book/", evidence_views.book_package, name="evidence_book"),
    path("holds/", views.holds, name="holds"),
    path("holds/chosen/", views.hold_chosen, name="hold_chosen"),
    path("holds/<int:hold>/review/", views.review, name="hold_review"),
    path("holds/<int:hold>/lift/", views.lift, name="hold_lift"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.INVESTIGATE,
        50,
        "holds",
        _("Holds"),
        Permission.PLACE_HOLD,
        _("Keep records from every purge while a case needs them."),
    ),
    NavigationEntry(
        NavigationGroup.INVESTIGATE,
        60,
        "evidence",
        _("Evidence"),
        Permission.PLACE_HOLD,
        _("Collect reads under a case, and make an encrypted package of them."),
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        40,
        "archive",
        _("Archive"),
        Permission.PLAN_PURGE,
        _("How long records are kept, and the purges that delete them."),
    ),
)
