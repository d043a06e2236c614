"""The public page: what a resident asks of the department's cameras, and the policy of each version.

Only what was published is here: the policy's versions, the months' reports, and what `sharing_program` returns.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files as resources
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platepost.common.pages import PAGES
from platepost.department.archive.classes import CLASSES
from platepost.department.policy.errors import PolicyError
from platepost.department.policy.policy import Policy, parsed_policy
from platepost.department.policy.policy_text import TextChange, policy_html, policy_text, text_changes
from platepost.department.sharing.publication import PARTS, payload_of
from platepost.department.web.pdf import PdfError, pdf_of

MONTHS = 12
"""Of which the chart shows reads and hits."""
_WIDTH, _BAR, _GAP = 400, 18, 8
"""Of a chart, in its own units."""
_PARTS = {
    "posts": gettext_lazy("cameras that recorded"),
    "reads": gettext_lazy("plates read"),
    "hits": gettext_lazy("hits"),
    "searches": gettext_lazy("searches"),
    "releases": gettext_lazy("records given to others"),
    "audits": gettext_lazy("audits"),
    "findings": gettext_lazy("findings of audits"),
    "purges": gettext_lazy("deletions of records past their term"),
}
"""What a month's report counts, as people call it."""


@dataclass(frozen=True, slots=True)
class PublicAbout:
    """What the department states of itself: see `DepartmentSettings`."""

    agency: str
    """As in the topics."""
    display_name: str = ""
    contact: str = ""
    cameras: Sequence[str] = ()
    zone: str = "UTC"

    @property
    def name(self) -> str:
        """How people call it."""
        return self.display_name or self.agency


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version of the policy as people read it."""

    digest: str
    """Its first 16 digits, which name its files."""
    heard: date
    toml: str
    policy: Policy | None
    """None: it was written for another version of the program, and is there as the file alone."""
    text: str
    """In Markdown; the file itself where it cannot be read."""

    @property
    def html(self) -> str:
        """The text as HTML."""
        return policy_html(self.text) if self.policy is not None else ""


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar of a chart, drawn from the left; its number is in the table next to it, too."""

    label: str
    value: str
    y: int
    width: float


def shown_version(digest: str, toml: str, heard: date, about: PublicAbout) -> ShownVersion:
    """Return a version of the policy with what its file states filled in."""
    try:
        policy = parsed_policy(toml.encode(), where=digest)
    except PolicyError:
        return ShownVersion(digest[:16], heard, toml, None, toml)
    text = policy_text(policy, agency=about.name, contact=about.contact or _("see the public page"))
    return ShownVersion(digest[:16], heard, toml, policy, text)


def changes_between(before: ShownVersion | None, after: ShownVersion) -> list[TextChange]:
    """Return what a version changed of the text; of its file, where one of the two has no text. Nothing of a first."""
    if before is None:
        return []
    texts = before.policy is not None and after.policy is not None
    changes = text_changes(before.text, after.text) if texts else []
    return changes or text_changes(before.toml, after.toml)


def policy_document(version: ShownVersion, about: PublicAbout) -> str:
    """Return a version as a document of its own: the text, and the file as an annex."""
    title = _("{name}: policy on license plate readers, heard on {day}").format(
        name=about.name, day=long_day(version.heard)
    )
    shown = {"version": version, "author": about.name, "title": title, "subject": _("Usage and privacy policy")}
    return render_to_string("sharing/public/policy_document.html", shown)


@lru_cache(maxsize=16)
def document_pdf(document: str) -> bytes | None:
    """Return a document as PDF, made once; None where the server cannot make one."""
    try:
        return pdf_of(document)
    except PdfError:
        return None


def public_files(connection: psycopg.Connection[Any], about: PublicAbout) -> dict[str, bytes]:
    """Return the public page and what is next to it, by name: what was published, and nothing else.

    Args:
        connection: of the role that sees nothing else.
        about: what the department states of itself.

    """
    style = (PAGES / "design.css").read_bytes()
    files = {"style.css": style + resources("platepost.department.sharing").joinpath("public.css").read_bytes()}
    reports = _reports(connection, files)
    ((program,),) = connection.execute("SELECT sharing_program()").fetchall()
    versions = _versions(connection, about)
    for version, changes in versions:
        document = policy_document(version, about)
        pdf = document_pdf(document) if version.policy is not None else None
        files[f"policy-{version.digest}.toml"] = version.toml.encode()
        if pdf is not None:
            files[f"policy-{version.digest}.pdf"] = pdf
        shown = {"version": version, "changes": changes, "about": about, "has_pdf": pdf is not None}
        page = render_to_string("sharing/public/policy.html", shown)
        files[f"policy-{version.digest}.html"] = page.encode()
    shown = {
        "about": about,
        "reports": reports,
        "latest": next(iter(reports), None),
        "searches": _chart(reports[0]["counts"].get("searches", {})) if reports else [],
        "by_month": _chart(
            {report["name"]: report["counts"].get("reads", {}).get("reads") for report in reports[:MONTHS][::-1]}
        ),
        "versions": [(version, f"policy-{version.digest}.pdf" in files) for version, _changes in versions],
        "policy": versions[0][0].policy if versions else None,
        **_program(json.loads(program), ZoneInfo(about.zone)),
    }
    return files | {"index.html": render_to_string("sharing/public/index.html", shown).encode()}


def _reports(connection: psycopg.Connection[Any], files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the months, the latest first, and add their signed copies to the files."""
    corrections: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for signed, key in connection.execute("SELECT signed, key FROM sharing_correction ORDER BY month, number"):
        statement = payload_of(signed)
        name = f"{statement['month']}-correction-{statement['correction']}"
        corrections[statement["month"]].append({**statement, "rows": _rows(statement["counts"]), "file": name})
        files |= {f"{name}.jws": signed.encode(), f"{name}.pem": key.encode()}
    reports = []
    for signed, key in connection.execute("SELECT signed, key FROM sharing_report ORDER BY month DESC"):
        statement = payload_of(signed)
        month = statement["month"]
        name = f"{_day(f'{month}-01'):%B %Y}"
        reports.append(
            {**statement, "name": name, "rows": _rows(statement["counts"]), "corrections": corrections[month]}
        )
        files |= {f"{month}.jws": signed.encode(), f"{month}.pem": key.encode()}
    return reports


def _versions(connection: psycopg.Connection[Any], about: PublicAbout) -> list[tuple[ShownVersion, list[TextChange]]]:
    """Return the versions of the policy with what each changed, the latest first."""
    rows = connection.execute("SELECT digest, says, hearing FROM sharing_policy ORDER BY at").fetchall()
    versions = [shown_version(digest, says, hearing_date, about) for digest, says, hearing_date in rows]
    before = [None, *versions]
    return [(after, changes_between(earlier, after)) for earlier, after in zip(before, versions, strict=False)][::-1]


def _program(program: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    scopes = {
        "search": _("the department may search for it"),
        "release": _("it may be given records"),
        "query": _("its server may ask, and is asked"),
    }
    audit = program["audit"]
    return {
        "agencies": [
            {
                **agency,
                "scope": [scopes.get(scope, scope) for scope in agency["scope"]],
                "ends": long_day(_day(agency["ends"])),
            }
            for agency in program["agencies"]
        ],
        "audit": audit
        and {
            "finished": long_day(datetime.fromisoformat(audit["finished"]).astimezone(zone)),
            "since": long_day(datetime.fromisoformat(audit["since"]).astimezone(zone)),
            # It ends at a midnight; its last day is the one before.
            "until": long_day((datetime.fromisoformat(audit["until"]) - timedelta.resolution).astimezone(zone)),
            "searches": audit["searches"],
        },
        "kept": [(CLASSES.get(name, name).capitalize(), days) for name, days in sorted(program["kept_days"].items())],
    }


def _chart(counts: Mapping[str, int | None]) -> list[ChartBar]:
    largest = max((count or 0 for count in counts.values()), default=0) or 1
    return [
        ChartBar(name, _counted(count), place * (_BAR + _GAP), round((count or 0) / largest * _WIDTH, 1))
        for place, (name, count) in enumerate(counts.items())
    ]


def _rows(counts: Mapping[str, Mapping[str, int | None]]) -> list[tuple[str, str]]:
    return [
        (str(_PARTS[part]) if part == name else f"{_PARTS[part]}: {name}", _counted(count))
        for part in PARTS
        for name, count in counts.get(part, {}).items()
    ]


def _counted(count: int | None) -> str:
    return _("withheld") if count is None else f"{count:,}"


def _day(text: str) -> date:
    return date.fromisoformat(text)


def long_day(day: date) -> str:
    """Return a day as people write it."""
    return f"{day:%B} {day.day}, {day.year}"
