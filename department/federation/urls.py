"""The addresses of the pages of federation."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.federation import search, views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("search/partners/", search.search_partners, name="search_partners"),
    path("search/partners/<uuid:query>/", search.partner_results, name="search_partner_results"),
    path("partners/", views.partners, name="partners"),
    path("partners/<slug:what>/", views.change_partners, name="partner_change"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.OVERSIGHT,
        110,
        "partners",
        _("Partners"),
        Permission.ANSWER_REQUESTS,
        _("Other departments whose servers ask this one, and answer it."),
    ),
)
