"""The addresses of the pages of the lists."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.lists import views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry

urlpatterns = [
    path("lists/", views.lists, name="lists"),
    path("lists/add/", views.add, name="list_add"),
    path("lists/recovered/", views.recovered, name="list_recovered"),
    path("lists/imports/", views.imports, name="list_imports"),
    path("lists/imports/<int:number>/", views.one_import, name="list_import"),
    path("lists/entry/<int:number>/", views.entry, name="list_entry"),
    path("lists/entry/<int:number>/approve/", views.approve, name="list_approve"),
    path("lists/entry/<int:number>/end/", views.end, name="list_end"),
    path("lists/entry/<int:number>/leads/", views.leads, name="list_leads"),
    path("lists/held/<slug:what>/<int:number>/", views.let_go, name="list_let_go"),
]

navigation = (NavigationEntry(40, "lists", _("Lists"), Permission.PROPOSE_LIST),)
