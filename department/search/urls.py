"""The addresses of the search pages."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.search import views
from platepost.department.web.navigation import NavigationEntry

urlpatterns = [
    path("search/", views.search, name="search"),
    path("search/plate/", views.plate, name="search_plate"),
    path("search/read/", views.read, name="search_read"),
    path("search/picture/<uuid:ticket>/", views.read_picture, name="search_picture"),
    path("search/scenes/", views.scenes, name="search_scenes"),
    path("search/tiles/<int:zoom>/<int:column>/<int:row>/", views.tile, name="search_tile"),
    path("search/cancel/", views.cancel, name="search_cancel"),
    path("search/saved/<uuid:saved>/discard/", views.discard, name="search_discard"),
]

navigation = (NavigationEntry(30, "search", _("Search"), Permission.SEARCH),)
