"""Where the pages are."""

from django.urls import include, path

urlpatterns = [
    path("", include("department.people.urls")),
    path("", include("department.lists.urls")),
    path("", include("department.web.urls")),
    path("", include("department.audits.urls")),
    path("", include("department.sharing.urls")),
    path("", include("department.federation.urls")),
]
