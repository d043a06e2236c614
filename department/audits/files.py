"""What auditors take along: entries of the ledger, audits, and months, as CSV and as tagged PDF.

Each file is entered in the ledger before it is made.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from platepost.department.audits.dashboard import MonthDashboard
from platepost.department.audits.models import AuditFinding, AuditSample, DrawnAudit
from platepost.department.audits.services import AuditedSearch
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.details import details
from platepost.department.ledger.reading import ShownEntry
from platepost.department.ledger.writing import append
from platepost.department.people.models import DepartmentPerson
from platepost.department.web.moments import day, minute, second
from platepost.department.web.pdf import pdf_answer

FORMATS = ("csv", "pdf")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""
_WHOLE = 13
"""Characters of a word that is not broken on paper: eight columns of such words fit a page."""


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table of a file."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]

    def printed(self) -> list[list[tuple[str, bool]]]:
        """Return the rows with times as people write them, each cell with whether its words stay whole."""
        return [[_printed(cell) for cell in row] for row in self.rows]


def _printed(cell: object) -> tuple[str, bool]:
    text = second(cell) if isinstance(cell, datetime) else "" if cell is None else str(cell)
    return text, all(len(word) <= _WHOLE for word in text.split())


@dataclass(frozen=True, slots=True)
class AuditFile:
    """A file for someone outside these pages: a title, what it is about, and tables."""

    name: str
    """Of the file, without its ending."""
    title: str
    about: Sequence[str]
    tables: Sequence[FileTable]

    def answer(self, ending: str, *, person: DepartmentPerson) -> HttpResponse:
        """Answer a request with the file, entered in the ledger first.

        Raises:
            LedgerError: it cannot be entered.
            PdfError: the server cannot make PDF.

        """
        append(LedgerEvent.LOG_EXPORTED, {"person": person.login, "what": f"{self.name}.{ending}"})
        if ending == "pdf":
            taken = _("Taken from the system by {person} on {at}.").format(
                person=f"{person.name} ({person.login})", at=minute(timezone.now())
            )
            shown = {
                "file": self,
                "title": self.title,
                "author": settings.DEPARTMENT_NAME or settings.AGENCY,
                "taken": taken,
            }
            return pdf_answer(render_to_string("audits/file_document.html", shown), f"{self.name}.pdf")
        headers = {"Content-Disposition": f'attachment; filename="{self.name}.csv"'}
        return HttpResponse(self._csv(), "text/csv; charset=utf-8", headers=headers)

    def _csv(self) -> str:
        written = io.StringIO()
        lines = csv.writer(written)
        several = len(self.tables) > 1
        for table in self.tables:
            lines.writerow([*(["table"] if several else []), *table.head])
            lines.writerows([*([table.caption] if several else []), *map(_cell, row)] for row in table.rows)
        return written.getvalue()


def ledger_file(entries: Sequence[ShownEntry], asked: str) -> AuditFile:
    """Return entries of the ledger as a file, in the order in which they were made."""
    numbers = {entry.entry: entry.number for entry in entries}
    rows = [
        (
            logged.number,
            logged.at,
            logged.fields.get("person", ""),
            logged.event.kind.label,
            numbers.get(logged.refers_to, "") if logged.refers_to else "",
            details(logged.fields),
        )
        for logged in sorted(entries, key=lambda entry: entry.number)
    ]
    head = (_("Entry"), _("When"), _("Who"), _("What"), _("For entry"), _("Details"))
    title = _("Entries of the ledger")
    return AuditFile(f"ledger-{timezone.now():%Y%m%d-%H%M%S}", title, [asked], [FileTable(title, head, rows)])


def audit_file(
    audit: DrawnAudit, shown: Sequence[tuple[AuditSample, AuditedSearch | None]], findings: Sequence[AuditFinding]
) -> AuditFile:
    """Return an audit with its samples, findings and follow-up as a file."""
    samples = [
        (
            search.number if search else "",
            search.at if search else "",
            sample.subject,
            (search.fields.get("purpose") or "") if search else "",
            (search.fields.get("case") or "") if search else "",
            (search.fields.get("reason") or "") if search else "",
            sample.outcome or _("not judged"),
            sample.note,
        )
        for sample, search in shown
    ]
    about = [
        _("{kind} of {since} to {until} by {auditor}: {drawn} of {searches} searches, drawn with seed {seed}.").format(
            kind=audit.plan.kind.capitalize(),
            since=day(audit.since),
            until=day(audit.last_day),
            auditor=audit.plan.auditor,
            drawn=len(shown),
            searches=audit.searches,
            seed=audit.seed,
        ),
        _("Finished {day}.").format(day=day(audit.finished_at)) if audit.finished_at else _("Not finished."),
    ]
    heads = (_("Entry"), _("When"), _("Who"), _("Purpose"), _("Case"), _("Reason"), _("Outcome"), _("Note"))
    return AuditFile(
        f"audit-{audit.pk}",
        _("Audit {number}").format(number=audit.pk),
        about,
        [FileTable(_("Samples"), heads, samples), _followed(findings)],
    )


def month_file(dashboard: MonthDashboard) -> AuditFile:
    """Return a month as a file."""
    report = dashboard.report
    searches = [
        (search.purpose or _("erased"), search.agency or "", search.on_behalf_of or _("itself"), search.searches,
         search.people, search.exigent, search.refused)
        for search in report.searches
    ]  # fmt: skip
    rejected = [
        (name, group, rates["all"].rejected, rates["all"].decided)
        for name, groups in ((_("Post"), dashboard.quality.posts), (_("Source"), dashboard.quality.sources))
        for group, rates in groups.items()
    ]
    people = [
        (person.person, person.searches, person.exigent, person.refused, person.cases) for person in dashboard.people
    ]
    counts = (_("Searches"), _("People"), _("Exigent"), _("Refused"))
    tables = [
        FileTable(_("Searches by purpose"), (_("Purpose"), _("Agency"), _("On behalf of"), *counts), searches),
        FileTable(_("Searches by person"), (_("Who"), _("Searches"), _("Exigent"), _("Refused"), _("Cases")), people),
        FileTable(_("Searches by hour"), (_("Hour"), _("Searches")), dashboard.by_hour),
        FileTable(_("Age of the reads that were shown"), (_("Age"), _("Reads")), [*report.ages.items()]),
        FileTable(_("Outcomes of hits"), (_("Outcome"), _("Hits")), dashboard.outcomes),
        FileTable(_("Rejected hits"), (_("By"), _("Which"), _("Rejected"), _("Decided")), rejected),
    ]
    title = _("Report of {month}").format(month=date_format(report.month, "F Y"))
    return AuditFile(f"report-{report.month:%Y-%m}", title, [], tables)


def _followed(findings: Sequence[AuditFinding]) -> FileTable:
    rows = [
        (
            finding.pk,
            finding.subject,
            finding.says,
            " ".join(f"{answer.person}, {day(answer.at)}: {answer.says}" for answer in finding.answers.all()),
            f"{finding.outcome}: {finding.note}" if finding.closed_at else _("open"),
        )
        for finding in findings
    ]
    return FileTable(_("Findings and follow-up"), (_("Finding"), _("Who"), _("What"), _("Answers"), _("Outcome")), rows)


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S %Z}"  # which spreadsheets sort
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
