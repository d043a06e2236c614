"""Who may open which page and stream, as the code has it: `make docs` shows it on docs/access.md."""

from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from platepost.department.people.access import Open, access_of
from platepost.department.people.rights import FRESH, GRANTS, NEEDS, DepartmentRole, Permission, Requirement


def pages(
    patterns: Iterable[URLPattern | URLResolver] | None = None, prefix: str = "/"
) -> Iterator[tuple[str, object]]:
    """Yield each address of the department, as its pattern, and who may use it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        where = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from pages(pattern.url_patterns, where)
        else:
            yield where, access_of(pattern.callback)


def cell(access: object, role: DepartmentRole | None) -> str:
    """Return what the table says of a page for a role; None is someone who is not logged in."""
    if access is Open.ALL:
        return "always"
    if role is None or access is None:
        return ""
    if not isinstance(access, Permission) or access is Permission.OWN_ACCOUNT:
        return "always"
    if access not in GRANTS[role]:
        return ""
    when = "always" if NEEDS[access] == Requirement() else "current"
    return f"{when}, fresh" if access in FRESH else when


def table() -> str:
    """Return the table, in Markdown."""
    roles = [None, *DepartmentRole]
    lines = [
        ["address", "needs", *(role.label if role else "not signed in" for role in roles)],
        ["---"] * (len(roles) + 2),
        *(
            [f"`{where}`", getattr(access, "value", "refused"), *(cell(access, role) for role in roles)]
            for where, access in pages()
        ),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
