"""The pages of several places and times: which plates were at more than one of them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms import BaseFormSet
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from platepost.department.custody.read_fields import shown_vehicle
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission
from platepost.department.search.forms import PurposeForm, SceneForm, known_posts
from platepost.department.search.map import drawn_map
from platepost.department.search.places import Places
from platepost.department.search.scenes import MOST_SCENES, CommonPlate, common_plates
from platepost.department.search.session_searches import SessionSearch, store_search
from platepost.department.search.stored import (
    cancelable,
    errors_shown,
    form_data,
    of_query,
    opened_entry,
    session_of,
)
from platepost.department.search.tickets import PictureTicket, give_ticket

_SHOWN = 2
"""Scenes that the form begins with; its script adds more, one by one."""
_LONGEST = 200
"""Characters of a value of a scene's form."""


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
def scenes(request: CurrentRequest) -> HttpResponseBase:
    """Show the form; by POST store what is asked, and lead to the results."""
    if request.method != "POST":
        return _page(request, *_forms(None))
    form, several = _forms(request.POST)
    if not (form.is_valid() and several.is_valid()):
        return _page(request, form, several, status=422)
    # Each name is one of the form's, for it is valid; what comes besides is not kept.
    fields = [
        (name, value)
        for name in request.POST
        if name == "all" or name in form.fields or name.startswith("scene-")
        for value in request.POST.getlist(name)
        if value and len(value) <= _LONGEST
    ]
    return redirect("search_scene_results", store_search(session_of(request), fields))


@needs(Permission.SEARCH)
@require_safe
@of_query
def scene_results(request: CurrentRequest, stored: SessionSearch) -> HttpResponseBase:
    """Search, and show the plates, with the form folded away."""
    data = form_data(stored)
    form, several = _forms(data)
    if not (form.is_valid() and several.is_valid()):
        return _page(request, form, several, status=422)
    scenes = [form.scene for form in several if hasattr(form, "scene")]
    named = [{"posts": [*scene.posts], "since": f"{scene.since}", "until": f"{scene.until}"} for scene in scenes]
    least = len(scenes) if "all" in data else min(2, len(scenes))
    query = {"scenes": named} | ({"least": least} if least < len(scenes) else {})
    with errors_shown(form), cancelable(stored.id), opened_entry(request, form.access, query) as entry:
        plates = common_plates(entry, scenes, least=least)
        pictured = tuple(plate.latest["record_id"] for plate in plates)
        ticket = PictureTicket(pictured, "patch", form.access, str(entry.entry))
        shown: dict[str, Any] = {
            "plates": [_plate(plate, form.places) for plate in plates],
            "thumbnails": give_ticket(session_of(request), ticket) if plates else None,
            "again": form.again,
        }
        return _page(request, form, several, **shown)
    return _page(request, form, several, status=422)


def _plate(plate: CommonPlate, places: Places) -> dict[str, Any]:
    scenes = [
        (number + 1, reads, places.name_of(reads.latest["post"], reads.latest["site"]))
        for number, reads in plate.scenes.items()
    ]
    return {"seen": plate, "scenes": scenes, "vehicle": shown_vehicle(plate.latest)}


def _forms(data: Mapping[str, Any] | None) -> "tuple[PurposeForm, BaseFormSet[Any]]":
    form = PurposeForm(data)
    kinds = forms.formset_factory(SceneForm, extra=_SHOWN, min_num=0, max_num=MOST_SCENES, absolute_max=MOST_SCENES)
    form_arguments = {"places": form.places, "posts": known_posts(form.places)}
    return form, kinds(data, prefix="scene", form_kwargs=form_arguments)


def _page(
    request: CurrentRequest, form: PurposeForm, several: "BaseFormSet[Any]", *, status: int = 200, **results: Any
) -> HttpResponse:
    context = {"form": form, "scenes": several, "map": drawn_map(form.places), "most": MOST_SCENES}
    return render(request, "search/scenes.html", context | results, status=status)
