"""The addresses of the pages of the lists."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.lists import views
from platepost.department.people.rights import Permission
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

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

navigation = (
    NavigationEntry(
        NavigationGroup.LISTS,
        10,
        "lists",
        _("Hot list"),
        Permission.PROPOSE_LIST,
        _("What posts look for, what waits for approval, and which list each post has."),
    ),
    NavigationEntry(
        NavigationGroup.LISTS,
        20,
        "list_add",
        _("New entry"),
        Permission.PROPOSE_LIST,
        _("List a plate or a part of one, and search the past for it."),
    ),
    NavigationEntry(
        NavigationGroup.LISTS,
        30,
        "list_imports",
        _("Imports"),
        Permission.PROPOSE_LIST,
        _("The files of the state and of others that were imported, row by row."),
    ),
)
