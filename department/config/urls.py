"""Where the pages are."""

from django.urls import include, path

urlpatterns = [
    path("", include("platepost.department.people.urls")),
    path("", include("platepost.department.lists.urls")),
    path("", include("platepost.department.web.urls")),
    path("", include("platepost.department.audits.urls")),
    path("", include("platepost.department.sharing.urls")),
    path("", include("platepost.department.federation.urls")),
]
