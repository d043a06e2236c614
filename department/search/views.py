"""The search pages. Nothing is read before a purpose is in the ledger, and no plate stands in an address or a title.

What was asked goes on from page to page in hidden fields of forms, so every step is a POST with a purpose of its own,
and an entry of its own. A picture is fetched by an address that works once.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.datastructures import MultiValueDict
from django.utils.dates import WEEKDAYS
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from platepost.department.custody.placeholder_image import picture_response
from platepost.department.custody.read_fields import READ_FIELDS, shown_fields
from platepost.department.custody.reading import ReadFilter, ShownRow, page_of_reads, picture_kinds, reads
from platepost.department.database.queries import rows
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.corrections import correct, corrected_reads, corrections_of
from platepost.department.search.errors import PlacesError, SearchError
from platepost.department.search.forms import PurposeForm, SceneForm, SearchForm, known_posts
from platepost.department.search.map import drawn_map
from platepost.department.search.plates import Cursor, PlateMatch, find_plates
from platepost.department.search.saved import discard_search, save_search, saved_searches
from platepost.department.search.scenes import MOST_SCENES, common_plates, companions, usual_places
from platepost.department.search.street_map import tile_source
from platepost.department.search.tickets import PictureTicket, give_ticket, use_ticket

READS = 50
"""Reads of one page."""
_DIGITS = 18
"""Of a record's number at most."""
_LONGEST = 100
"""Characters of a text that no form checks: no plate, and no kind of page, has so many."""
_NAME = "search:"
"""Beginning of the name that a search gives its connection, by which it is canceled."""


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: CurrentRequest) -> HttpResponseBase:
    """Show the form; by POST search, and show the plates."""
    if request.method != "POST":
        return _search_page(request, SearchForm(_saved(request)))
    if "purpose" not in request.POST:  # from a hit: nothing was asked yet
        return _search_page(request, SearchForm(initial={"plate": request.POST.get("plate", "")}))
    form = SearchForm(request.POST)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    try:
        after = Cursor(float(request.POST["score"]), request.POST["behind"]) if request.POST.get("behind") else None
    except (KeyError, ValueError):
        return _search_page(request, form, status=422)
    asked = form.asked | ({"after": True} if after is not None else {})
    with _errors_shown(form), _cancelable(request), _entry(request, form.access, asked) as entry:
        page = find_plates(entry, form.query, after=after)
        corrected = corrected_reads(entry, form.query) if after is None else []
        if "save" in request.POST:
            save_search(request.user.login, form.access.case or form.access.purpose, form.again)
        results = {"plates": [_marked(plate) for plate in page.plates], "next": page.next, "corrected": corrected}
        return _search_page(request, form, results=results)
    return _search_page(request, form, status=422)


@needs(Permission.SEARCH)
@require_POST
def plate(request: CurrentRequest) -> HttpResponseBase:
    """Show the reads of one plate, what goes along with it, or where it usually is."""
    form = SearchForm(request.POST)
    opened, show = _text(request, "open"), _text(request, "show") or "reads"
    if not form.is_valid() or not opened:
        return _search_page(request, form, status=422)
    before = _place(request.POST)
    read_filter = form.query.read_filter([opened], before=before)
    asked = {**_opened(form, opened), "show": show}
    with _errors_shown(form), _cancelable(request), _entry(request, form.access, asked) as entry:
        results: dict[str, Any] = {}
        counts: Mapping[str, int] = {}
        if show == "companions":
            results["companions"] = companions(entry, read_filter)
        elif show == "usual":
            usual = usual_places(entry, read_filter)
            results["usual"], counts = usual, usual.posts
            results["weekdays"] = [(WEEKDAYS[day - 1], count) for day, count in usual.weekdays.items()]
        else:
            rows, more = page_of_reads(entry, read_filter, limit=READS)
            results["reads"] = [{**row, "fields": shown_fields(row)} for row in rows]
            results |= {"labels": [field.label for field in READ_FIELDS.values()], "next": rows[-1] if more else None}
            counts = _counted(rows)
        context = {"opened": opened, "show": show, "again": form.again, "map": drawn_map(form.places, counts)}
        return render(request, "search/plate.html", {**context, **results, "form": form})
    return _search_page(request, form, status=422)


@needs(Permission.SEARCH)
@require_POST
def read(request: CurrentRequest) -> HttpResponseBase:
    """Show one read with what was noted beside it; its pictures follow. With a `correction`, note that first."""
    form = SearchForm(request.POST)
    number = request.POST.get("record", "")
    if not form.is_valid() or not number.isdecimal() or len(number) > _DIGITS:
        return _search_page(request, form, status=422)
    record, opened, text = int(number), _text(request, "open"), _text(request, "correction")
    asked = {**_opened(form, opened), "record": record, **({"correction": text} if text else {})}
    with _errors_shown(form), _entry(request, form.access, asked) as entry:
        rows = reads(entry, ReadFilter(records=[record], plates=[opened]), limit=1)
        if not rows:
            raise Http404
        if text:
            correct(entry, rows[0], text, person=request.user.login)
        notes = corrections_of(entry, [record])
        session, opened_by = request.session.session_key or "", str(entry.entry)
        pictures = [
            (kind, give_ticket(session, PictureTicket(record, kind, form.access, opened_by)))
            for kind in picture_kinds(entry, record)
        ]
        pattern = form.query.pattern
        fit = pattern.fit(rows[0]["plate_fold"]) if pattern is not None else None
        context = {
            "read": rows[0],
            "fields": shown_fields(rows[0]),
            "notes": notes,
            "opened": opened,
            "again": form.again,
            "form": form,
        }
        matched = [*zip(rows[0]["plate_fold"], fit.why, strict=True)] if fit is not None else []
        return render(request, "search/read.html", {**context, "matched": matched, "pictures": pictures})
    return _search_page(request, form, status=422)


@needs(Permission.SEE_PICTURES)
@require_GET
def read_picture(request: CurrentRequest, ticket: UUID) -> HttpResponseBase:
    """Show a picture, once, under an entry of its own."""
    used = use_ticket(request.session.session_key or "", ticket)
    if used is None:
        raise Http404
    asked = {"record": used.record, "picture": used.kind, "found_by": used.found_by}
    return picture_response(_entry(request, used.purpose, asked), used.record, used.kind)


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
def scenes(request: CurrentRequest) -> HttpResponseBase:
    """Show the plates that were at several places and times."""
    form = PurposeForm(request.POST if request.method == "POST" else None)
    kinds = forms.formset_factory(SceneForm, extra=2, min_num=0, max_num=MOST_SCENES, absolute_max=MOST_SCENES)
    given = {"places": form.places, "posts": known_posts(form.places)}
    several = kinds(request.POST if request.method == "POST" else None, prefix="scene", form_kwargs=given)
    context: dict[str, Any] = {"form": form, "scenes": several}
    if request.method == "POST" and form.is_valid() and several.is_valid():
        asked = [each.scene for each in several if hasattr(each, "scene")]
        approved_queries = [
            {"posts": [*each.posts], "since": f"{each.since}", "until": f"{each.until}"} for each in asked
        ]
        least = len(asked) if "all" in request.POST else min(2, len(asked))
        query = {"scenes": approved_queries} | ({"least": least} if least < len(asked) else {})
        with _errors_shown(form), _cancelable(request), _entry(request, form.access, query) as entry:
            context["plates"] = common_plates(entry, asked, least=least)
        if form.errors:
            del context["plates"]
    wrong = form.errors or (several.is_bound and not several.is_valid())
    return render(request, "search/scenes.html", context, status=422 if wrong else 200)


@needs(Permission.SEARCH)
@require_GET
def tile(request: HttpRequest, zoom: int, column: int, row: int) -> HttpResponseBase:
    """Show a tile of the department's own streets: no vehicle. Where there is none it is empty, and no error."""
    del request
    source = tile_source(settings.TILES_FILE)
    try:
        body = source.tile(zoom, column, row) if source is not None else None
    except PlacesError:
        body = None
    answer = HttpResponse(body or b"", content_type="application/vnd.mapbox-vector-tile")
    if body and source is not None and source.is_compressed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


@needs(Permission.SEARCH)
@require_POST
def cancel(request: CurrentRequest) -> HttpResponseBase:
    """Have the database give a search up; anyone who knows its name started it."""
    rows(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = session_user AND application_name = %s",
        [f"{_NAME}{_running(request)}"],
    )
    return HttpResponse(status=204)


@needs(Permission.SEARCH)
@require_POST
def discard(request: CurrentRequest, saved: UUID) -> HttpResponseBase:
    """Forget a saved search."""
    discard_search(request.user.login, saved)
    return redirect("search")


def _search_page(
    request: CurrentRequest, form: SearchForm, *, results: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    works: dict[str, list[Any]] = {}
    for each in saved_searches(request.user.login):
        works.setdefault(each.work, []).append(each)
    context = {"form": form, "works": works, "map": drawn_map(form.places), "running": uuid4()}
    if results is not None:
        context |= {"found": results, "again": form.again}
    return render(request, "search/search.html", context, status=status)


def _text(request: HttpRequest, name: str) -> str:
    """Return a short text of a request that no form checks; empty where it is too long for what a page sends."""
    given = request.POST.get(name, "")
    return given if len(given) <= _LONGEST else ""


def _opened(form: SearchForm, opened: str) -> dict[str, Any]:
    """Return the search with the plate that is opened, and whether that differs from the plate asked for."""
    pattern = form.query.pattern
    other = pattern is not None and pattern.fit(opened) is None
    return {**form.asked, "opened": opened} | ({"other_plate": True} if other else {})


def _saved(request: CurrentRequest) -> MultiValueDict[str, str] | None:
    """Return the fields of the saved search that the address names."""
    try:
        only = UUID(request.GET["saved"])
    except (KeyError, ValueError):
        return None
    known = saved_searches(request.user.login, only=only)
    if not known:
        raise Http404
    # That a life is in danger is said again for each search: it goes without approval, and is reviewed.
    return MultiValueDict({name: [*values] for name, values in known[0].fields.items() if name != "exigent"})


@contextmanager
def _entry(request: CurrentRequest, purpose: AccessPurpose, asked: Mapping[str, Any]) -> Iterator[OpenEntry]:
    person = request.user
    with open_entry(person=person.login, agency=person.agency, purpose=purpose, query=asked) as entry:
        yield entry


@contextmanager
def _errors_shown(form: forms.Form) -> Iterator[None]:
    """Say in the form why there is no answer; what comes behind is not done then."""
    try:
        yield
    except PurposeError as error:
        form.add_error("purpose", str(error))
    except SearchError as error:
        form.add_error(None, str(error))


@contextmanager
def _cancelable(request: HttpRequest) -> Iterator[None]:
    running = _running(request)
    rows("SELECT set_config('application_name', %s, false)", [f"{_NAME}{running}"])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET application_name")


def _running(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("running", ""))
    except ValueError:
        return uuid4()


def _place(given: Mapping[str, Any]) -> tuple[datetime, int] | None:
    try:
        return datetime.fromisoformat(given["before_at"]), int(given["before_record"])
    except (KeyError, ValueError):
        return None


def _marked(match: PlateMatch) -> dict[str, Any]:
    """Return a plate with why each of its characters matches."""
    plate = match.seen.plate
    return {"seen": match.seen, "matched": [*zip(plate, match.why, strict=True)] if match.why else []}


def _counted(rows: list[ShownRow]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["post"]] = counts.get(row["post"], 0) + 1
    return counts
