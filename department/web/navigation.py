"""The navigation of the pages: four groups and help, from the entries that apps register.

An app has its entries next to its addresses: `navigation` in its `urls.py`. A page that a person may not open is not
offered to them.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class NavigationGroup(Enum):
    """What the pages are grouped by, in order: the work that they serve."""

    DISPATCH = _("Dispatch")
    INVESTIGATE = _("Investigate")
    LISTS = _("Lists")
    OVERSIGHT = _("Oversight")
    HELP = _("Help")
    ACCOUNT = ""
    """The person's own pages, each a link of its own."""


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A page of the navigation."""

    group: NavigationGroup
    order: int
    """Entries of a group are in ascending order, those of all apps together."""
    route: str
    """The name of the page's address."""
    label: str | Promise | Callable[[HttpRequest], str]
    """Its text, or a function that returns it for a request."""
    permission: str | None = None
    """The permission that the page needs; None where everyone who is signed in may open it."""
    summary: str | Promise = ""
    """What one does there, in a sentence: for the page of help."""
    script: str = ""
    """A static file: a module that runs on all other pages of those who may open this one."""


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A link that a person may follow."""

    address: str
    label: str | Promise
    summary: str | Promise
    current: str
    """The value of `aria-current`: `page` for the page that is shown, `true` for one above it, else empty."""


@dataclass(frozen=True, slots=True)
class NavigationSection:
    """The links of a group that a person may follow."""

    label: str | Promise
    links: Sequence[NavigationLink]
    """At least one; that of the group leads to the first."""

    @property
    def is_current(self) -> bool:
        """Whether one of its pages is shown."""
        return any(link.current for link in self.links)


def registered_entries() -> list[NavigationEntry]:
    """Return the entries of all apps, in order."""
    apps = (pattern.urlconf_module for pattern in get_resolver().url_patterns if isinstance(pattern, URLResolver))
    entries = (entry for app in apps for entry in getattr(app, "navigation", ()))
    groups = list(NavigationGroup)
    return sorted(entries, key=lambda entry: (groups.index(entry.group), entry.order))


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates `navigation`, the groups that the person of a request may use, and `own_links`, their account.

    And `department`, its name as people write it, and `scripts`, those that run on each page.
    """
    return {
        "navigation": _sections(request),
        "own_links": _own_links(request),
        "scripts": _scripts(request),
        "department": settings.DEPARTMENT_NAME,
    }


def sections_of(request: HttpRequest) -> list[NavigationSection]:
    """Return the groups with the pages that the person of a request may open."""
    entries = _permitted(request)
    current = _current(request, entries)
    sections = []
    for group in NavigationGroup:
        links = [_link(request, entry, current) for entry in entries if entry.group is group]
        if links and group is not NavigationGroup.ACCOUNT:
            sections.append(NavigationSection(group.value, links))
    return sections


def _sections(request: HttpRequest) -> Iterator[NavigationSection]:
    # A generator: a page that does not show it asks for nothing.
    yield from sections_of(request)


def _scripts(request: HttpRequest) -> Iterator[str]:
    scripts = (entry.script for entry in _permitted(request) if entry.script and reverse(entry.route) != request.path)
    yield from dict.fromkeys(scripts)


def _own_links(request: HttpRequest) -> Iterator[NavigationLink]:
    entries = _permitted(request)
    current = _current(request, entries)
    yield from (_link(request, entry, current) for entry in entries if entry.group is NavigationGroup.ACCOUNT)


def _permitted(request: HttpRequest) -> list[NavigationEntry]:
    permitted: Collection[str] = getattr(getattr(request, "authorization", None), "permitted", frozenset())
    return [entry for entry in registered_entries() if entry.permission is None or entry.permission in permitted]


def _current(request: HttpRequest, entries: Sequence[NavigationEntry]) -> str:
    """Return the address of the page that is shown, or of the nearest one above it; empty where there is none."""
    addresses = [reverse(entry.route) for entry in entries]
    above = [
        address
        for address in addresses
        if request.path == address or (address != "/" and request.path.startswith(address))
    ]
    return max(above, key=len, default="")


def _link(request: HttpRequest, entry: NavigationEntry, current: str) -> NavigationLink:
    address = reverse(entry.route)
    label = entry.label(request) if callable(entry.label) else entry.label
    state = "" if address != current else "page" if request.path == address else "true"
    return NavigationLink(address, label, entry.summary, state)
