"""The addresses of the console and of the page of quality."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.alerts import console_views, history_views, quality_views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("console/", console_views.console, name="console"),
    path("console/events/", console_views.events, name="console_events"),
    path("console/hits/", console_views.hits, name="console_hits"),
    path("console/stay/", console_views.keep_alive, name="console_keep_alive"),
    path("console/step/", console_views.step, name="console_step"),
    path("console/waiting/", console_views.waiting, name="console_waiting"),
    path("console/test/", console_views.send_test_hit, name="console_test"),
    path("console/shift/", console_views.shift, name="console_shift"),
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
    NavigationEntry(
        NavigationGroup.DISPATCH,
        10,
        "console",
        _("Hits"),
        Permission.ANSWER_HITS,
        _("Answer hits as they arrive: compare, confirm, record the outcome."),
        script="alerts/elsewhere.js",
    ),
    NavigationEntry(
        NavigationGroup.DISPATCH,
        20,
        "history",
        _("History"),
        Permission.ANSWER_HITS,
        _("Find a hit of the past, with everything that was done on it."),
    ),
    NavigationEntry(
        NavigationGroup.DISPATCH,
        30,
        "rejections",
        history_views.rejections_label,
        Permission.REVIEW_EXIGENT,
        _("Check the hits that dispatchers rejected, and withdrawals that they dispute."),
        script="alerts/elsewhere.js",
    ),
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        170,
        "quality",
        _("Quality"),
        summary=_("How often each post misreads, and why hits were rejected."),
    ),
)
