"""The page that asks partner departments: each answers, or is named with its word."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from platepost.department.federation.asking import PartnerAnswer, ask
from platepost.department.federation.exchange import SHARED_FIELDS, PlateBehind, PlateRequest, ReadBehind, as_entered
from platepost.department.federation.forms import PartnerSearchForm
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission
from platepost.department.search.session_searches import SessionSearch, store_search
from platepost.department.search.stored import errors_shown, form_data, of_query, opened_entry, session_of
from platepost.department.sharing.errors import SharingError

_FURTHER = ("only", "open", "behind", "score", "before_at", "before_record")
"""Fields of the forms on a page of answers: whose further page, or whose reads of which plate."""
_LONGEST = 100
"""Characters of one of them, generously."""


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
def search_partners(request: CurrentRequest) -> HttpResponseBase:
    """Show the form; by POST store what is asked, and lead to the answers."""
    form = PartnerSearchForm(request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return _page(request, form, status=422 if form.is_bound else 200)
    fields = ((name, request.POST.get(name, "")) for name in _FURTHER)
    further = [(name, value) for name, value in fields if 0 < len(value) <= _LONGEST]
    return redirect("search_partner_results", store_search(session_of(request), [*form.again, *further]))


@needs(Permission.SEARCH)
@require_safe
@of_query
def partner_results(request: CurrentRequest, stored: SessionSearch) -> HttpResponseBase:
    """Ask the departments that a search names, and show what each answers; once more whenever the page is loaded."""
    fields = form_data(stored)
    form = PartnerSearchForm(fields)
    if not form.is_valid():
        return _page(request, form, status=422)
    asked, partners = _asked(form.asked, fields), list(form.cleaned_data["departments"])
    only = fields.get("only")  # whose next page, or whose reads
    partners = [partner for partner in partners if only in {None, partner.pk}]
    person = request.user
    query = {**as_entered(asked), "departments": [partner.pk for partner in partners]}
    try:
        with errors_shown(form), opened_entry(request, form.access, query) as entry:
            answers = ask(entry, asked, partners, person=person.login, purpose=form.access)
            return _page(request, form, asked=asked, answers=answers)
    except SharingError as error:
        form.add_error(None, str(error))
    return _page(request, form, status=422)


def _asked(asked: PlateRequest, given: Mapping[str, str]) -> PlateRequest:
    """Return the query with the page that is asked for."""
    more = dict[str, Any]()
    try:
        if given.get("open"):
            more["opened"] = given["open"]
        if given.get("behind"):
            more["after"] = PlateBehind(score=float(given["score"]), plate=given["behind"])
        if given.get("before_at"):
            more["before"] = ReadBehind(captured_at=given["before_at"], record=int(given["before_record"]))
    except (KeyError, ValueError):
        more = {}
    return asked.model_copy(update=more)


def _page(
    request: HttpRequest,
    form: PartnerSearchForm,
    *,
    asked: PlateRequest | None = None,
    answers: list[PartnerAnswer] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "asked": asked, "answers": answers, "shared_fields": SHARED_FIELDS}
    context["again"] = form.again if answers is not None else ()
    return render(request, "federation/search.html", context, status=status)
