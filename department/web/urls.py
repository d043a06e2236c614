"""The addresses of the pages."""

from django.urls import path

from platepost.department.web import archive, console, doors, partners, quality, search
from platepost.department.web.ledger import ledger, reviews
from platepost.department.web.status_page import status

urlpatterns = [
    path("", status, name="status"),
    path("console/", console.console, name="console"),
    path("console/events/", console.events, name="console_events"),
    path("console/step/", console.step, name="console_step"),
    path("console/shift/", console.shift, name="console_shift"),
    path("quality/", quality.quality, name="quality"),
    path("quality/label/", quality.label, name="quality_label"),
    path("quality/sample/<int:number>/", quality.sample, name="quality_sample"),
    path("search/", search.search, name="search"),
    path("search/plate/", search.plate, name="search_plate"),
    path("search/read/", search.read, name="search_read"),
    path("search/picture/<uuid:ticket>/", search.read_picture, name="search_picture"),
    path("search/scenes/", search.scenes, name="search_scenes"),
    path("search/partners/", partners.search_partners, name="search_partners"),
    path("search/cancel/", search.cancel, name="search_cancel"),
    path("search/saved/<uuid:saved>/discard/", search.discard, name="search_discard"),
    path("archive/", archive.archive, name="archive"),
    path("archive/term/", archive.change_term, name="archive_term"),
    path("archive/plan/", archive.propose, name="archive_propose"),
    path("archive/plan/<uuid:plan>/", archive.plan, name="archive_plan"),
    path("archive/plan/<uuid:plan>/approve/", archive.approve, name="archive_approve"),
    path("holds/", archive.holds, name="holds"),
    path("holds/<int:hold>/review/", archive.review, name="hold_review"),
    path("holds/<int:hold>/lift/", archive.lift, name="hold_lift"),
    path("ledger/", ledger, name="ledger"),
    path("reviews/", reviews, name="reviews"),
    path("doors/", doors.doors, name="doors"),
    path("doors/agree/", doors.agree, name="doors_agree"),
    path("doors/<int:agreement>/confirm/", doors.confirm, name="doors_confirm"),
]
