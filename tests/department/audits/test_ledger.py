"""The page of the ledger and that of exigent searches."""

from dataclasses import replace

import pytest

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.errors import PurposeError
from tests.department.ledger.asked import ASKED, PURPOSE
from tests.department.ledger.conftest import Damaging, damaging, empty_ledger
from tests.department.people.persons import client_of, new_person

__all__ = ["Damaging", "damaging", "empty_ledger"]


def test_auditor_sees_who_searched_and_what_was_refused() -> None:
    open_entry(**ASKED).shown()
    for _ in range(2):
        with pytest.raises(PurposeError):
            open_entry(**ASKED | {"purpose": replace(PURPOSE, reason="for ICE")})
    client = client_of(new_person("i.auditor", DepartmentRole.AUDITOR))
    assert "a.rivera" not in client.get("/ledger/").content.decode(), "nothing is shown without a purpose"
    assert "needs a case number" in client.post("/ledger/", {"purpose": "stolen vehicle"}, follow=True).content.decode()
    page = client.post("/ledger/", {"purpose": "audit", "person": "a.rivera"}, follow=True).content.decode()
    assert '<td data-label="What">searched for records</td>' in page
    assert page.count("was refused: immigration") == 1, "the second try alone"
    assert "TEST123" in page
    assert (
        "TEST123" in client.post("/ledger/", {"purpose": "audit", "person": " A.Rivera "}, follow=True).content.decode()
    )
    page = client.post("/ledger/", {"purpose": "audit"}, follow=True).content.decode()
    assert page.count('<td data-label="Who" class="whole">a.rivera</td>') == 4, "what was shown was shown to somebody"
    page = client.post(
        "/ledger/", {"purpose": "audit", "event": LedgerEvent.LOG_INTENT.value}, follow=True
    ).content.decode()
    assert page.count('<td data-label="Who" class="whole">i.auditor</td>') == 4, "this reading and those before"


def test_supervisor_reviews_what_was_exigent() -> None:
    entry = open_entry(**ASKED | {"purpose": replace(PURPOSE, case=None, reason="child taken", exigent=True)})
    client = client_of(new_person("s.supervisor", DepartmentRole.SUPERVISOR))
    own = client_of(new_person("a.rivera", DepartmentRole.SUPERVISOR))
    given = {"entry": str(entry.entry), "outcome": "justified", "note": "found"}
    assert "child taken" in client.get("/reviews/").content.decode()
    assert "someone else must review" in own.post("/reviews/", given).content.decode()
    assert client.post("/reviews/", given).status_code == 302
    assert "None waits" in client.get("/reviews/").content.decode()
    assert "cannot be written" in client.post("/reviews/", given).content.decode()
