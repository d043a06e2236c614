"""The addresses of the pages of federation."""

from django.urls import path

from platepost.department.federation import search, views

urlpatterns = [
    path("search/partners/", search.search_partners, name="search_partners"),
    path("partners/", views.partners, name="partners"),
    path("partners/<slug:what>/", views.change_partners, name="partner_change"),
]
