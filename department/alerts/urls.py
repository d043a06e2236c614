"""The addresses of the console and of the page of quality."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.alerts import console, quality_views
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
    path("quality/", quality_views.quality, name="quality"),
    path("quality/label/", quality_views.label, name="quality_label"),
    path("quality/sample/<int:number>/", quality_views.sample, name="quality_sample"),
]

navigation = (
    NavigationEntry(20, "console", _("Hits"), Permission.ANSWER_HITS),
    NavigationEntry(140, "quality", _("Quality")),
)
