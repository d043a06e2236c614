"""The ledger is read under an entry of its own, and what belongs to covert groups by their members alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from platepost.department.database.roles import AUDITOR, COMMAND, WEB
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, open_entry, open_log
from platepost.department.ledger.errors import ClosedEntryError, LedgerError
from platepost.department.ledger.reading import EntryFilter, logged
from platepost.department.ledger.reviews import ReviewOutcome, open_reviews, review_exigent
from platepost.department.ledger.writing import append
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.policy import AccessPurpose
from tests.department.ledger.asked import ASKED, PURPOSE
from tests.department.ledger.conftest import Connect
from tests.department.people.persons import new_person
from tests.department.roles import as_role

AUDIT: dict[str, Any] = {"person": "i.auditor", "agency": "springfield", "purpose": AccessPurpose("audit"), "query": {}}
GROUP = "narcotics"


def shown_entry(*groups: str) -> OpenEntry:
    with open_entry(**ASKED, groups=groups) as entry:
        entry.fetched(records=[1], plates=["TEST1"])
        for group in groups:
            entry.fetched(records=[2], pictures=[(2, "patch")], plates=["TEST2"], group=group)
    return entry


def test_reading_is_entered_too() -> None:
    with as_role(COMMAND):
        shown_entry()
        with open_log(**AUDIT) as log:
            (shown, intent) = logged(log, EntryFilter())[1:]
        assert (intent.event, intent.fields["person"]) == (LedgerEvent.INTENT, "a.rivera")
        assert shown.fields == {"records": [1], "pictures": [], "plates": ["TEST1"]}
        with open_log(**AUDIT) as log:
            (read, opened) = logged(log, EntryFilter(before=5))[:2]
    assert (opened.event, opened.fields["person"]) == (LedgerEvent.LOG_INTENT, "i.auditor")
    assert read.fields == {"records": [], "pictures": [], "entries": [1, 2, 3]}


@pytest.mark.parametrize(
    ("entry_filter", "numbers"),
    [
        (EntryFilter(person="a.rivera"), [1]),
        (EntryFilter(person="nobody"), []),
        (EntryFilter(events=[LedgerEvent.SHOWN, LedgerEvent.LOG_INTENT]), [3, 2]),
        (EntryFilter(before=2), [1]),
        (EntryFilter(until=datetime(2026, 1, 1, tzinfo=UTC)), []),
        (EntryFilter(since=datetime(2026, 1, 1, tzinfo=UTC)), [3, 2, 1]),
    ],
)
def test_sought(entry_filter: EntryFilter, numbers: list[int]) -> None:
    with as_role(COMMAND):
        entry = shown_entry()
        with open_log(**AUDIT) as log:
            assert [line.number for line in logged(log, entry_filter)] == numbers
        with open_log(**AUDIT) as log:
            assert [line.number for line in logged(log, EntryFilter(refers_to=entry.entry))] == [2]


@pytest.mark.parametrize("kind", ["closed", "of records"])
def test_entry_that_does_not_open_the_ledger(connect: Connect, kind: str) -> None:
    with as_role(COMMAND):
        if kind == "closed":
            entry = open_log(**AUDIT)
            entry.shown()
        else:
            entry = open_entry(**ASKED)
        with pytest.raises(ClosedEntryError):
            logged(entry, EntryFilter())
    with connect(WEB) as web:
        web.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry.entry)])
        assert web.execute("SELECT count(*) FROM ledger_entry, ledger_body").fetchone() == (0,)


def test_log_entry_opens_no_record(connect: Connect) -> None:
    entry = open_log(**AUDIT, groups=[GROUP])
    with connect(WEB) as web:
        web.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry.entry)])
        assert web.execute("SELECT ledger_open(), ledger_log_open()").fetchone() == (False, True)


@pytest.mark.parametrize("role", [WEB, AUDITOR])
def test_outsider_cannot_tell_that_anything_covert_was_shown(connect: Connect, role: str) -> None:
    """By hand-made SQL either: what an officer of a group was shown looks as what any other was."""
    rows: list[list[Any]] = []
    for groups in ((), (GROUP,)):
        shown_entry(*groups)
    new_person("i.auditor", DepartmentRole.AUDITOR)
    reader = open_log(**AUDIT, groups=["homicide"])
    with connect(role) as other:
        other.execute("SELECT set_config('platepost.entry', %s, false)", [str(reader.entry)])
        if role == WEB:
            other.execute("SELECT ledger_cover_entries(%s, '{}')", [reader.entry])
            other.commit()
        for first in (1, 3):
            query = "SELECT field, value FROM ledger_body JOIN ledger_entry USING (entry) WHERE number IN (%s, %s)"
            rows.append(sorted(other.execute(query, [first, first + 1]).fetchall()))
    assert rows[0] == rows[1]
    assert ("plates", '["TEST1"]') in rows[0]


def test_member_sees_what_its_own_group_was_shown() -> None:
    with as_role(COMMAND):
        shown_entry(GROUP)
        shown_entry(GROUP, "homicide")
        with open_log(**AUDIT, groups=[GROUP]) as log:
            (two, one) = logged(log, EntryFilter(events=[LedgerEvent.SHOWN]))
    covert = {"records": [2], "pictures": [[2, "patch"]], "plates": ["TEST2"]}
    assert one.fields["covert"] == {GROUP: covert}
    assert "covert" not in two.fields, "it names the other group"


class TestReviews:
    """An exigent search waits for someone else's review."""

    URGENT = replace(PURPOSE, case=None, reason="child taken", exigent=True)

    def test_review_closes_it_once(self) -> None:
        with as_role(COMMAND):
            entry = open_entry(**ASKED | {"purpose": self.URGENT})
            (waiting,) = open_reviews()
            assert (waiting.entry, waiting.person, waiting.reason) == (entry.entry, "a.rivera", "child taken")
            assert not waiting.is_overdue()
            with pytest.raises(LedgerError, match="someone else must review"):
                review_exigent(entry.entry, person="a.rivera", outcome=ReviewOutcome.JUSTIFIED, note="mine")
            entry.fetched(records=[1])
            entry.shown()
            review_exigent(entry.entry, person="s.supervisor", outcome=ReviewOutcome.NOT_JUSTIFIED, note="no child")
            assert open_reviews() == []
            with pytest.raises(LedgerError):
                review_exigent(entry.entry, person="s.supervisor", outcome=ReviewOutcome.JUSTIFIED, note="again")

    def test_after_a_day_it_is_overdue(self) -> None:
        with as_role(COMMAND):
            open_entry(**ASKED | {"purpose": self.URGENT})
            (waiting,) = open_reviews()
        assert waiting.is_overdue(waiting.at.replace(year=waiting.at.year + 1))

    def test_what_is_not_exigent_is_not_reviewed(self) -> None:
        with as_role(COMMAND):
            entry = open_entry(**ASKED)
            assert open_reviews() == []
            with pytest.raises(LedgerError, match="someone else must review"):
                review_exigent(entry.entry, person="s.supervisor", outcome=ReviewOutcome.JUSTIFIED, note="")

    def test_by_hand_nobody_reviews_without_a_name(self, connect: Connect) -> None:
        entry = open_entry(**ASKED | {"purpose": self.URGENT})
        fields = {"person": None, "outcome": "justified", "note": ""}
        with pytest.raises(LedgerError, match="person must be a text"):
            append(LedgerEvent.EXIGENT_REVIEWED, fields, refers_to=entry.entry)
        with connect(WEB) as web, pytest.raises(psycopg.errors.CheckViolation, match="someone else must review"):
            web.execute("SELECT ledger_append('exigent_reviewed', %s, %s)", [entry.entry, json.dumps(fields)])
