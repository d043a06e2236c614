"""The addresses of the search pages."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from platepost.department.people.rights import Permission
from platepost.department.search import scene_views, views
from platepost.department.web.navigation import NavigationEntry, NavigationGroup

urlpatterns = [
    path("search/", views.search, name="search"),
    path("search/<uuid:query>/", views.results, name="search_results"),
    path("search/<uuid:query>/change/", views.change, name="search_change"),
    path("search/<uuid:query>/save/", views.save, name="search_save"),
    path("search/<uuid:query>/plate/<int:record>/", views.plate, name="search_plate"),
    path("search/<uuid:query>/read/<int:record>/", views.read, name="search_read"),
    path("search/<uuid:query>/read/<int:record>/case/<uuid:ticket>/", views.correct_case, name="search_case"),
    path("search/picture/<uuid:ticket>/", views.read_picture, name="search_picture"),
    path("search/thumbnails/<uuid:ticket>/", views.read_thumbnails, name="search_thumbnails"),
    path("search/scenes/", scene_views.scenes, name="search_scenes"),
    path("search/scenes/<uuid:query>/", scene_views.scene_results, name="search_scene_results"),
    path("search/tiles/<int:zoom>/<int:column>/<int:row>/", views.tile, name="search_tile"),
    path("search/cancel/", views.cancel, name="search_cancel"),
    path("search/saved/<uuid:saved>/discard/", views.discard, name="search_discard"),
]

navigation = (
    NavigationEntry(
        NavigationGroup.INVESTIGATE,
        10,
        "search",
        _("Search"),
        Permission.SEARCH,
        _("Find reads by plate, part of a plate, place, and time."),
    ),
)
