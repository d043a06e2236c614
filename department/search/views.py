"""The search pages. Nothing is read before a purpose is in the ledger, and no plate stands in an address or a title.

A form is sent by POST. What it asks stays on the server, and the browser is led to an address with an identifier that
tells nothing: so Back, reload and tabs work. Each page that is shown, a reloaded one too, is an entry of its own. A
read is addressed by its number, and opened if a page of that search has listed it. A picture's address works once.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.dates import WEEKDAYS
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from platepost.department.custody.errors import CustodyError
from platepost.department.custody.placeholder_image import picture_response
from platepost.department.custody.read_fields import READ_FIELDS, shown_fields, shown_vehicle
from platepost.department.custody.reading import ReadFilter, ShownRow, page_of_reads, reads, thumbnails
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission
from platepost.department.search.corrections import correct, corrected_reads, corrections_of
from platepost.department.search.errors import PlacesError
from platepost.department.search.forms import CaseNumberForm, SearchForm
from platepost.department.search.map import drawn_map
from platepost.department.search.places import Places
from platepost.department.search.read_page import read_facts
from platepost.department.search.results import (
    PlateResult,
    ResultBehind,
    ResultOrder,
    ResultPage,
    find_results,
    kept_reads,
)
from platepost.department.search.saved import discard_search, save_search, saved_searches
from platepost.department.search.scenes import companions, usual_places
from platepost.department.search.session_searches import ListedRead, SessionSearch, list_reads, store_search
from platepost.department.search.stored import (
    RUNNING,
    cancelable,
    errors_shown,
    form_data,
    of_query,
    opened_entry,
    running,
    session_of,
)
from platepost.department.search.street_map import StreetMap, map_of_counts, street_map, tile_source
from platepost.department.search.tickets import PictureTicket, give_ticket, use_ticket

READS = 100
"""Reads of one page."""
MOST_ON_MAP = 1000
"""Plates of which a map has the latest read."""
_LONGEST = 100
"""Characters of a text that no form checks: no plate, and no kind of page, has so many."""
_WHOLE_PLATE = 6
"""Characters of a plate that is likely whole; a shorter text is offered as the beginning of one."""
_VIEWS = ("list", "map", "timeline")


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: CurrentRequest) -> HttpResponseBase:
    """Show the form; by POST store what is asked, and lead to the results."""
    if request.method != "POST":
        return _search_page(request, SearchForm(_saved(request)))
    if "purpose" not in request.POST:  # from a hit: nothing was asked yet
        fields = [("plate", _text(request, "plate"))]
        return redirect("search_change", store_search(session_of(request), fields))
    form = SearchForm(request.POST)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    stored = store_search(session_of(request), form.again, preferred=running(request))
    address = reverse("search_results", args=[stored])
    return redirect(f"{address}?reads=1" if "reads" in request.POST else address)


@needs(Permission.SEARCH)
@require_safe
@of_query
def change(request: CurrentRequest, stored: SessionSearch) -> HttpResponseBase:
    """Show the form with what a search asks, to ask something else."""
    data = form_data(stored)
    if "purpose" in data:
        return _search_page(request, SearchForm(data))
    return _search_page(request, SearchForm(initial=data.dict()))


@needs(Permission.SEARCH)
@require_safe
@of_query
def results(request: CurrentRequest, stored: SessionSearch) -> HttpResponseBase:
    """Search, and show the plates: as a list, on a map, or by time."""
    form = SearchForm(form_data(stored))
    if not form.is_valid():
        return _search_page(request, form, status=422)
    order = _order(request, form)
    view = request.GET.get("view") if request.GET.get("view") in _VIEWS else "list"
    after = _behind(request, stored)
    fields = form.asked | ({"after": True} if after is not None else {})
    with errors_shown(form), cancelable(stored.id), opened_entry(request, form.access, fields) as entry:
        limit = MOST_ON_MAP if view == "map" else None
        page = find_results(entry, form.query, order=order, after=after, **({"limit": limit} if limit else {}))
        corrected = corrected_reads(entry, form.query) if after is None else []
        listed = {result.latest["record_id"]: _listed(result.latest, result.seen.plate) for result in page.results}
        list_reads(
            session_of(request),
            stored.id,
            {note.record_id: ListedRead(note.plate, note.at) for note in corrected} | listed,
        )
        if "reads" in request.GET and len(listed) == 1:
            return redirect("search_plate", stored.id, *listed)
        ticket = PictureTicket(tuple(listed), "patch", form.access, str(entry.entry))
        shown = _shown(page, form) | {
            "form": form,
            "kept": kept_reads(),
            "corrected": corrected,
            "order": order,
            "can_be_sorted": form.query.pattern is not None,
            "view": view,
            "query": stored.id,
            "behind": page.results[-1].latest["record_id"] if page.more and page.results else None,
            "is_first": after is None,
            "may_export": request.authorization.may(Permission.EXPORT),
            "thumbnails": give_ticket(session_of(request), ticket) if listed and view != "map" else None,
        }
        return render(request, "search/results.html", shown)
    return _search_page(request, form, status=422, query=stored.id)


@needs(Permission.SEARCH)
@require_POST
@of_query
def save(request: CurrentRequest, stored: SessionSearch) -> HttpResponseBase:
    """Save what a search asks, under its case."""
    form = SearchForm(form_data(stored))
    if not form.is_valid():
        return _search_page(request, form, status=422)
    save_search(request.user.login, form.access.case or form.access.purpose, form.again)
    return redirect("search_results", stored.id)


@needs(Permission.SEARCH)
@require_safe
@of_query
def plate(request: CurrentRequest, stored: SessionSearch, record: int) -> HttpResponseBase:
    """Show the reads of the plate of a listed read, what travels with it, or where it usually is."""
    form, opened = SearchForm(form_data(stored)), _opened(stored, record)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    show = request.GET.get("show") if request.GET.get("show") in {"companions", "usual"} else "reads"
    before = _listed_before(request, stored)
    read_filter = form.query.read_filter([opened.plate], before=before)
    fields = {**_asked(form, opened), "show": show}
    with errors_shown(form), cancelable(stored.id), opened_entry(request, form.access, fields) as entry:
        context: dict[str, Any] = {}
        if show == "companions":
            others = companions(entry, read_filter)
            chosen = others[_number(request.GET.get("with"), len(others))] if others else None
            context |= {"companions": others, "chosen": chosen}
            if chosen is not None:
                way = [(meeting.post, meeting.at) for meeting in chosen.meetings]
                context["street_map"] = street_map(form.places, trail=way)
                context["meetings"] = [(meeting, form.places.name_of(meeting.post)) for meeting in chosen.meetings]
        elif show == "usual":
            usual = usual_places(entry, read_filter)
            context |= {"usual": usual, "street_map": map_of_counts(form.places, usual.posts)}
            context["weekdays"] = [(WEEKDAYS[day - 1], count) for day, count in usual.weekdays.items()]
        else:
            reads_page, more = page_of_reads(entry, read_filter, limit=READS)
            list_reads(
                session_of(request), stored.id, {row["record_id"]: _listed(row, opened.plate) for row in reads_page}
            )
            ticket = PictureTicket(
                tuple(row["record_id"] for row in reads_page), "patch", form.access, str(entry.entry)
            )
            context |= {
                "reads": [{**row, "fields": shown_fields(row)} for row in reads_page],
                "labels": [field.label for field in READ_FIELDS.values()],
                "behind": reads_page[-1]["record_id"] if more else None,
                "at_one_post": len({row["post"] for row in reads_page}) < 2,
                "street_map": _trail(form.places, reads_page),
                "thumbnails": give_ticket(session_of(request), ticket) if reads_page else None,
            }
        context |= {"form": form, "query": stored.id, "record": record, "opened": opened.plate, "show": show}
        context["may_export"] = request.authorization.may(Permission.EXPORT)
        return render(request, "search/plate.html", context)
    return _search_page(request, form, status=422, query=stored.id)


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
@of_query
def read(request: CurrentRequest, stored: SessionSearch, record: int) -> HttpResponseBase:
    """Show a listed read with all that is known of it; by POST note a correction first."""
    form, opened = SearchForm(form_data(stored)), _opened(stored, record)
    if not form.is_valid():
        return _search_page(request, form, status=422)
    text = _text(request, "correction")
    fields = {**_asked(form, opened), "record": record, **({"correction": text} if text else {})}
    with errors_shown(form), opened_entry(request, form.access, fields) as entry:
        matching = reads(entry, ReadFilter(records=[record], plates=[opened.plate]), limit=1)
        if not matching:
            raise Http404
        if text:
            correct(entry, matching[0], text, person=request.user.login)
            return redirect("search_read", stored.id, record)
        facts = read_facts(entry, matching[0], form.places)
        session = session_of(request)
        pictures = [
            (kind, give_ticket(session, PictureTicket((record,), kind, form.access, str(entry.entry))))
            for kind in facts.pictures
        ]
        fit = form.query.pattern.fit(opened.plate) if form.query.pattern is not None else None
        context = {
            "read": matching[0],
            "facts": facts,
            "fields": shown_fields(matching[0]),
            "notes": corrections_of(entry, [record]),
            "form": form,
            "query": stored.id,
            "matched": [*zip(opened.plate, fit.why, strict=True)] if fit is not None else [],
            "pictures": pictures,
            "may_export": request.authorization.may(Permission.EXPORT),
            "case_form": CaseNumberForm(auto_id="right-%s"),
            "case_ticket": give_ticket(session, PictureTicket((record,), "case", form.access, str(entry.entry))),
        }
        return render(request, "search/read.html", context)
    return _search_page(request, form, status=422, query=stored.id)


@needs(Permission.SEARCH)
@require_POST
@of_query
def correct_case(request: CurrentRequest, stored: SessionSearch, record: int, ticket: UUID) -> HttpResponseBase:
    """Enter the right case number of a search, and go on under it. What stands in the ledger stays there."""
    corrected, used = CaseNumberForm(request.POST), use_ticket(session_of(request), ticket)
    if used is None:
        raise Http404
    if not corrected.is_valid():
        return redirect("search_read", stored.id, record)
    cleaned = corrected.cleaned_data
    append(
        LedgerEvent.CASE_CORRECTED,
        {"person": request.user.login, "former": used.purpose.case, **cleaned},
        refers_to=UUID(used.found_by),
    )
    fields = [(name, value) for name, values in stored.fields.items() for value in values if name != "case"]
    query = store_search(session_of(request), [*fields, ("case", cleaned["case"])])
    list_reads(session_of(request), query, {record: _opened(stored, record)})
    return redirect("search_read", query, record)


@needs(Permission.SEE_PICTURES)
@require_GET
def read_picture(request: CurrentRequest, ticket: UUID) -> HttpResponseBase:
    """Show a picture, once, under an entry of its own."""
    used = use_ticket(session_of(request), ticket)
    if used is None or len(used.records) != 1 or used.kind == "case":
        raise Http404
    (record,) = used.records
    fields = {"record": record, "picture": used.kind, "found_by": used.found_by}
    return picture_response(opened_entry(request, used.purpose, fields), record, used.kind)


@needs(Permission.SEE_PICTURES)
@require_GET
def read_thumbnails(request: CurrentRequest, ticket: UUID) -> HttpResponseBase:
    """Return the pictures of the plates that a page lists, once, under one entry of their own."""
    used = use_ticket(session_of(request), ticket)
    if used is None:
        raise Http404
    fields = {"records": [*used.records], "picture": used.kind, "found_by": used.found_by}
    with opened_entry(request, used.purpose, fields) as entry:
        try:
            by_record = thumbnails(entry, used.records, kind=used.kind)
        except CustodyError:
            by_record = {}
        pictures = {
            str(record): {"type": result.media_type, "data": b64encode(result.body).decode("ascii")}
            for record, result in by_record.items()
        }
    return JsonResponse(pictures)


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
        [f"{RUNNING}{running(request)}"],
    )
    return HttpResponse(status=204)


@needs(Permission.SEARCH)
@require_POST
def discard(request: CurrentRequest, saved: UUID) -> HttpResponseBase:
    """Forget a saved search."""
    discard_search(request.user.login, saved)
    return redirect("search")


def _search_page(
    request: CurrentRequest,
    form: SearchForm,
    *,
    query: UUID | None = None,
    status: int = 200,
) -> HttpResponse:
    works: dict[str, list[Any]] = {}
    for saved_search in saved_searches(request.user.login):
        works.setdefault(saved_search.work, []).append(saved_search)
    context = {"form": form, "works": works, "map": drawn_map(form.places), "running": uuid4(), "query": query}
    context["kept"] = kept_reads()
    return render(request, "search/search.html", context, status=status)


def _shown(page: ResultPage, form: SearchForm) -> dict[str, Any]:
    """Return a page of results as the template shows it."""
    shown = [_result(result, form.places) for result in page.results]
    query = form.query
    places = len(query.posts) or len(form.fields["posts"].choices)  # type: ignore[attr-defined]  # a choice of posts
    counts: dict[str, int] = {}
    for row in page.results:
        counts[row.latest["post"]] = counts.get(row.latest["post"], 0) + 1
    return {
        "plates": shown,
        "total": page.total,
        "more": page.more,
        "narrowed": [(READ_FIELDS[name].label, form[name].value()) for name in query.fields],
        "posts": places,
        "since": query.since,
        "until": query.until,
        "part": _part_of_plate(form.cleaned_data["plate"]),
        "can_widen": query.pattern is not None and not query.pattern.budget,
        "map": map_of_counts(form.places, counts),
    }


def _part_of_plate(text: str) -> str:
    """Return what was searched as a whole plate but is shorter than most plates are; else empty."""
    return text.strip() if text.isalnum() and len(text) < _WHOLE_PLATE else ""


def _result(result: PlateResult, places: Places) -> dict[str, Any]:
    latest = result.latest
    return {
        "seen": result.seen,
        "latest": latest,
        "place": places.name_of(latest["post"], latest["site"]),
        "vehicle": shown_vehicle(latest),
        "matched": [*zip(result.seen.plate, result.why, strict=True)] if result.why else [],
    }


def _trail(places: Places, found: Sequence[ShownRow]) -> StreetMap | None:
    """Return the map of some reads of a plate, the earliest first."""
    return street_map(places, trail=[(row["post"], row["captured_at"]) for row in reversed(found)])


def _order(request: HttpRequest, form: SearchForm) -> ResultOrder:
    """Return how results are sorted: by the latest read, but the likeliest first where characters may be wrong."""
    pattern = form.query.pattern
    likeliest = pattern is not None and (pattern.budget > 0 or pattern.slip)
    try:
        return ResultOrder(request.GET["order"])
    except (KeyError, ValueError):
        return ResultOrder.MATCH if likeliest else ResultOrder.LATEST


def _behind(request: HttpRequest, stored: SessionSearch) -> ResultBehind | None:
    """Return the last result of the page before, which the address names by its read."""
    record = request.GET.get("after", "")
    if not record:
        return None
    last = stored.listed.get(int(record)) if record.isdecimal() and len(record) < _LONGEST else None
    if last is None:
        raise Http404
    return ResultBehind(last.plate, last.captured_at, int(record))


def _listed_before(request: HttpRequest, stored: SessionSearch) -> tuple[datetime, int] | None:
    record = request.GET.get("before", "")
    if not record:
        return None
    last = stored.listed.get(int(record)) if record.isdecimal() and len(record) < _LONGEST else None
    if last is None:
        raise Http404
    return last.captured_at, int(record)


def _opened(stored: SessionSearch, record: int) -> ListedRead:
    """Return a read that a page of the search has listed. Raises Http404: none has."""
    try:
        return stored.listed[record]
    except KeyError:
        raise Http404 from None


def _listed(row: ShownRow, plate: str) -> ListedRead:
    return ListedRead(plate, row["captured_at"])


def _text(request: HttpRequest, name: str) -> str:
    """Return a short text of a request that no form checks; empty where it is too long for what a page sends."""
    text = request.POST.get(name, "")
    return text if len(text) <= _LONGEST else ""


def _number(given: str | None, most: int) -> int:
    """Return a place in a list, the first if none is given."""
    return min(int(given), most - 1) if given and given.isdecimal() and len(given) < _LONGEST else 0


def _asked(form: SearchForm, opened: ListedRead) -> dict[str, Any]:
    """Return the search with the plate that is opened, and whether that differs from the plate asked for."""
    pattern = form.query.pattern
    other = pattern is not None and pattern.fit(opened.plate) is None
    return {**form.asked, "opened": opened.plate} | ({"other_plate": True} if other else {})


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
