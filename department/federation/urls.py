"""The addresses of the pages of federation."""

from django.urls import path

from platepost.department.federation import views

urlpatterns = [
    path("partners/", views.partners, name="partners"),
    path("partners/<slug:what>/", views.change_partners, name="partner_change"),
]
