"""The navigation of the pages, from the entries that apps register.

An app has its entries beside its addresses: `navigation` in its `urls.py`. A page that somebody may not open is not
offered to them.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A link of the navigation."""

    order: int
    """Entries stand in ascending order, those of all apps together."""
    route: str
    """The name of the page's address."""
    label: str | Promise | Callable[[HttpRequest], str]
    """Its text, or a function that returns it for a request."""
    permission: str | None = None
    """The permission that the page needs; None where everybody who is logged in may open it."""


def registered_entries() -> list[NavigationEntry]:
    """Return the entries of all apps, in order."""
    apps = (each.urlconf_module for each in get_resolver().url_patterns if isinstance(each, URLResolver))
    entries = (entry for app in apps for entry in getattr(app, "navigation", ()))
    return sorted(entries, key=lambda entry: entry.order)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates `navigation`: the route and the text of each link that the person of a request may follow.

    And `department`: its name, as people write it.
    """
    return {"navigation": _links(request), "department": settings.DEPARTMENT_NAME}


def _links(request: HttpRequest) -> Iterator[tuple[str, str | Promise]]:
    permitted: Collection[str] = getattr(getattr(request, "currency", None), "permitted", frozenset())
    for entry in registered_entries():
        if entry.permission is None or entry.permission in permitted:
            yield entry.route, entry.label(request) if callable(entry.label) else entry.label
