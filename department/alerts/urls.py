"""The addresses of the console and of the page of quality."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.alerts import console, history_views, quality_views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry

urlpatterns = [
    path("console/", console.console, name="console"),
    path("console/events/", console.events, name="console_events"),
    path("console/hits/", console.hits, name="console_hits"),
    path("console/stay/", console.stay, name="console_stay"),
    path("console/step/", console.step, name="console_step"),
    path("console/test/", console.test, name="console_test"),
    path("console/shift/", console.shift, name="console_shift"),
    path("history/", history_views.history, name="history"),
    path("history/csv/", history_views.history_csv, name="history_csv"),
    path("history/hit/", history_views.history_hit, name="history_hit"),
    path("history/picture/<uuid:ticket>/", history_views.history_picture, name="history_picture"),
    path("history/rejections/", history_views.rejections, name="rejections"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/label/", quality_views.label, name="quality_label"),
    path("quality/sample/<int:number>/", quality_views.sample, name="quality_sample"),
]

navigation = (
    NavigationEntry(20, "console", _("Hits"), Permission.ANSWER_HITS),
    NavigationEntry(25, "history", _("History"), Permission.ANSWER_HITS),
    NavigationEntry(26, "rejections", history_views.rejections_label, Permission.REVIEW_EXIGENT),
    NavigationEntry(140, "quality", _("Quality")),
)
