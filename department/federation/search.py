"""The page that asks partner departments: each answers, or is named with its word."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from platepost.department.federation.asking import PartnerAnswer, ask
from platepost.department.federation.exchange import SHARED_FIELDS, PlateBehind, PlateRequest, ReadBehind, as_entered
from platepost.department.federation.forms import PartnerSearchForm
from platepost.department.ledger.entries import open_entry
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission
from platepost.department.policy.errors import PurposeError
from platepost.department.sharing.errors import SharingError

_LONGEST_PLATE = 100
"""Characters, generously."""


@needs(Permission.SEARCH)
@require_http_methods(["GET", "HEAD", "POST"])
def search_partners(request: CurrentRequest) -> HttpResponseBase:
    """Show the form; by POST ask the departments that are named, and show what each answers."""
    form = PartnerSearchForm(request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return _page(request, form, status=422 if form.is_bound else 200)
    asked, partners = _asked(form.asked, request), list(form.cleaned_data["departments"])
    only = request.POST.get("only")  # whose next page, or whose reads
    partners = [partner for partner in partners if only in {None, partner.pk}]
    person = request.user
    query = {**as_entered(asked), "departments": [partner.pk for partner in partners]}
    try:
        with open_entry(person=person.login, agency=person.agency, purpose=form.access, query=query) as entry:
            answers = ask(entry, asked, partners, person=person.login, purpose=form.access)
            return _page(request, form, asked=asked, answers=answers)
    except PurposeError as error:
        form.add_error("purpose", str(error))
    except SharingError as error:
        form.add_error(None, str(error))
    return _page(request, form, status=422)


def _asked(asked: PlateRequest, request: HttpRequest) -> PlateRequest:
    """Return the query with the page that is asked for."""
    given, more = request.POST, dict[str, Any]()
    try:
        if max(len(given.get("open", "")), len(given.get("behind", ""))) > _LONGEST_PLATE:
            return asked
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
