"""Where the pages are."""

from django.urls import include, path

urlpatterns = [
    path("", include("platepost.department.people.urls")),
    path("", include("platepost.department.lists.urls")),
    path("", include("platepost.department.status.urls")),
    path("", include("platepost.department.alerts.urls")),
    path("", include("platepost.department.search.urls")),
    path("", include("platepost.department.archive.urls")),
    path("", include("platepost.department.audits.urls")),
    path("", include("platepost.department.sharing.urls")),
    path("", include("platepost.department.federation.urls")),
]
