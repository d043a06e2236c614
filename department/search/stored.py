"""What the pages of a search have in common: the search of an address, its entries in the ledger, and its errors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from django import forms
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.writing import append
from platepost.department.people.access import CurrentRequest
from platepost.department.people.rights import Permission
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose
from platepost.department.search.errors import SearchError, SearchNotFoundError, SearchNotYoursError
from platepost.department.search.session_searches import SessionSearch, session_search

RUNNING = "search:"
"""Beginning of the name that a search gives its connection, by which it is canceled."""
QueryView: TypeAlias = Callable[..., HttpResponseBase]


def session_of(request: HttpRequest) -> str:
    """Return the key of a request's session."""
    return request.session.session_key or ""


def of_query(view: QueryView) -> QueryView:
    """Have a view take the search that its address names: of the session alone. Another's is refused, and logged."""

    @wraps(view)
    def found(request: CurrentRequest, query: UUID, **more: Any) -> HttpResponseBase:
        try:
            stored = session_search(session_of(request), query)
        except SearchNotFoundError as error:
            if isinstance(error, SearchNotYoursError):
                lacks = ["the session in which this search was made"]
                fields = {"person": request.user.login, "permission": Permission.SEARCH.value, "lacks": lacks}
                append(LedgerEvent.ACCESS_REFUSED, fields)
            return render(request, "search/gone.html", {"why": error}, status=404)
        return view(request, stored, **more)

    return found


def form_data(stored: SessionSearch) -> MultiValueDict[str, str]:
    """Return what stood in the form of a search."""
    return MultiValueDict({name: [*values] for name, values in stored.fields.items()})


@contextmanager
def opened_entry(request: CurrentRequest, purpose: AccessPurpose, asked: Mapping[str, Any]) -> Iterator[OpenEntry]:
    """Open an entry of the ledger for the person of a request; arguments and errors are those of `open_entry`."""
    person = request.user
    with open_entry(person=person.login, agency=person.agency, purpose=purpose, query=asked) as entry:
        yield entry


@contextmanager
def errors_shown(form: forms.Form) -> Iterator[None]:
    """Have a form report why there is no answer; what comes behind is not done then."""
    try:
        yield
    except PurposeError as error:
        form.add_error("purpose", str(error))
    except SearchError as error:
        form.add_error(None, str(error))


@contextmanager
def cancelable(name: UUID) -> Iterator[None]:
    """Have statements be canceled by the name of their search."""
    rows("SELECT set_config('application_name', %s, false)", [f"{RUNNING}{name}"])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET application_name")


def running(request: HttpRequest) -> UUID:
    """Return the name that a form gives its search."""
    try:
        return UUID(request.POST.get("running", ""))
    except ValueError:
        return uuid4()
