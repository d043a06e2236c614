"""The pages of the lists. No plate stands in an address, a title or a log."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platepost.department.errors import DepartmentError
from platepost.department.lists import services
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.forms import MOST_BECAUSE, AccessPurposeForm, BecauseForm, EntryForm, RecoveredForm
from platepost.department.lists.look_back import look_back, open_leads
from platepost.department.lists.models import ListEntry, ListImport, ListRequest
from platepost.department.lists.overview import SHOWN, overview, published_to
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.forms import MOST_NUMBER
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.errors import SearchError

_DIGITS = 19
"""With so many a number may be none of the database."""


@needs(Permission.PROPOSE_LIST)
@require_safe
def lists(request: CurrentRequest) -> HttpResponse:
    """Show what is on the list, what waits, what is held, and which list each post has."""
    return _page(request)


@needs(Permission.PROPOSE_LIST)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: CurrentRequest) -> HttpResponse:
    """Enter a plate, or part of one, and search the past for it."""
    first = {"category": request.GET.get("category", "stolen_vehicle")}
    only = services.only_categories(request.user)
    form = EntryForm(
        request.POST if request.method == "POST" else None, groups=covert_groups(request.user), only=only, initial=first
    )
    if not form.is_valid():
        return render(request, "lists/add.html", {"form": form, "only": only}, status=422 if form.is_bound else 200)
    try:
        services.enter_entry(form.entry, request.user)
    except ListRefusedError as error:
        form.add_error(None, str(error))
        return render(request, "lists/add.html", {"form": form, "only": only}, status=422)
    # Behind the request to publish: no alarm waits for a search.
    if form.cleaned_data["look_back"]:
        try:
            leads_count = look_back(form.entry, form.why, request.user)
            messages.info(
                request, _("The past has %(found)s reads that match: leads, not alerts.") % {"found": leads_count}
            )
        except DepartmentError as error:
            messages.warning(request, _("It is entered. The past was not searched: %(why)s") % {"why": error})
    return redirect("list_entry", form.entry.pk)


@needs(Permission.PROPOSE_LIST)
@require_safe
def entry(request: CurrentRequest, number: int) -> HttpResponse:
    """Show one entry."""
    return _entry_page(request, number)


@needs(Permission.APPROVE_LIST)
@require_POST
def approve(request: CurrentRequest, number: int) -> HttpResponse:
    """Approve another's entry."""
    return _change_entry(request, number, lambda list_entry: services.approve_entry(list_entry, request.user))


@needs(Permission.PROPOSE_LIST)
@require_POST
def end(request: CurrentRequest, number: int) -> HttpResponse:
    """End an entry."""
    form = BecauseForm(request.POST)
    if not form.is_valid():
        return _entry_page(request, number, refused=f"Say why, in {MOST_BECAUSE} characters at most.", status=422)
    return _change_entry(
        request, number, lambda list_entry: services.end_entry(list_entry, form.cleaned_data["because"], request.user)
    )


@needs(Permission.SEARCH)
@require_POST
def leads(request: CurrentRequest, number: int) -> HttpResponse:
    """Show the reads that a look back found, for a purpose; with `search`, look back first."""
    form = AccessPurposeForm(request.POST)
    if not form.is_valid():
        return _entry_page(request, number, refused="Choose a purpose.", status=422)
    list_entry = _entry(request, number)
    purpose = AccessPurpose(form.cleaned_data["purpose"], case=list_entry.case_number or None, reason=list_entry.reason)
    shown = None
    try:
        if "search" in request.POST:
            look_back(list_entry, purpose, request.user)
        else:
            shown = open_leads(list_entry, purpose, request.user)
    except (ListRefusedError, PurposeError, SearchError) as error:
        return _entry_page(request, number, refused=str(error), status=422)
    return _entry_page(request, number, shown=shown)


@needs(Permission.PROPOSE_LIST)
@require_POST
def recovered(request: CurrentRequest) -> HttpResponse:
    """Take a recovered car off the list."""
    form = RecoveredForm(request.POST)
    if not form.is_valid():
        return _page(request, recovered_form=form, status=422)
    try:
        list_entry = services.recover(form.cleaned_data["plate"], form.cleaned_data["because"], request.user)
    except ListRefusedError as error:
        return _page(request, recovered_form=form, refused=str(error), status=409)
    text = _("Taken off: %(count)s entries of people, and what imports have of it.")
    messages.info(request, text % {"count": len(list_entry)})
    return redirect("lists")


@needs(Permission.APPROVE_LIST)
@require_POST
def let_go(request: CurrentRequest, what: str, number: int) -> HttpResponse:
    """Let a held import, or a held list, go."""
    form = BecauseForm(request.POST)
    if not form.is_valid():
        why = f"Say why it may go, in {MOST_BECAUSE} characters at most."
        return _page(request, refused=why, typed=(what, number), status=422)
    change = {"import": services.let_import_go, "list": services.let_request_go}.get(what)
    if change is None:
        raise Http404
    try:
        change(number, form.cleaned_data["because"], request.user)
    except ListRefusedError as error:
        return _page(request, refused=str(error), typed=(what, number), status=409)
    return redirect("lists")


@needs(Permission.PROPOSE_LIST)
@require_safe
def imports(request: HttpRequest) -> HttpResponse:
    """Show what was imported."""
    listed = ListImport.objects.defer("file").order_by("-pk")[:100]
    return render(request, "lists/imports.html", {"imports": listed})


@needs(Permission.PROPOSE_LIST)
@require_safe
def one_import(request: HttpRequest, number: int) -> HttpResponse:
    """Show the report of one import, row by row."""
    list_import = ListImport.objects.defer("file").filter(pk=number).first()
    if list_import is None:
        raise Http404
    return render(request, "lists/import.html", {"import": list_import})


def _page(
    request: CurrentRequest,
    *,
    recovered_form: RecoveredForm | None = None,
    refused: str = "",
    typed: tuple[str, int] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the lists; `typed` names the form, by kind and number, in which a refused reason was typed."""
    before_text = request.GET.get("before", "")
    before = int(before_text) if before_text.isdecimal() and len(before_text) < _DIGITS else None
    with services.seeing(request.user, page=SHOWN, before=before):
        context: dict[str, Any] = {**overview(before=before)}
    context |= {"recovered": recovered_form or RecoveredForm(auto_id="recovered_%s"), "refused": refused}
    context["only"] = services.only_categories(request.user)
    context |= {"typed": typed, "because": request.POST.get("because", "")}
    return render(request, "lists/lists.html", context, status=status)


def _entry(request: CurrentRequest, number: int) -> ListEntry:
    _require_possible(number)
    with services.seeing(request.user, numbers=[number]):
        return get_object_or_404(ListEntry, pk=number)


def _require_possible(number: int) -> None:
    """Refuse a number that no entry can have, before the database is asked with it."""
    if number > MOST_NUMBER:
        raise Http404


def _entry_page(
    request: CurrentRequest, number: int, *, refused: str = "", shown: list[Any] | None = None, status: int = 200
) -> HttpResponse:
    _require_possible(number)
    with services.seeing(request.user, numbers=[number]):
        list_entry = get_object_or_404(ListEntry, pk=number)
        leads_found = list_entry.leads.count()
        also_listed = services.also_in(list_entry)
    context = {
        "entry": list_entry,
        "because": request.POST.get("because", ""),
        "refused": refused,
        "shown": shown,
        "leads": leads_found,
        "beside": also_listed,
        "left_out": list_entry.was_left_out(published_to()),
        "held": ListRequest.held(),
        "held_since": ListRequest.held_since(),
        "own": list_entry.author == request.user.login,
        "only": services.only_categories(request.user),
    }
    return render(request, "lists/entry.html", {**context, "look": AccessPurposeForm()}, status=status)


def _change_entry(request: CurrentRequest, number: int, change: Callable[[ListEntry], object]) -> HttpResponse:
    try:
        change(_entry(request, number))
    except ListRefusedError as error:
        return _entry_page(request, number, refused=str(error), status=409)
    return redirect("list_entry", number)
