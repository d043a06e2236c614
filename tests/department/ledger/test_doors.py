"""Who hears every read at the broker stands in the ledger, and needs an agreement that two persons answer for."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest
from django.test import override_settings

from platepost.common.files import StateFile
from platepost.department.database.roles import KEEPER, WEB
from platepost.department.ledger.doors import agree_reads, confirm_reads, note_readers, reads_doors
from platepost.department.ledger.errors import AgreementError
from platepost.department.people.rights import DepartmentRole
from platepost.provisioning.fleet.register import PostKeyRegister, ReadsHolder
from tests.department.ledger.conftest import Connect
from tests.department.people.persons import client_of, made_person
from tests.department.roles import as_role

TODAY = datetime.now(UTC).date()
SOON = TODAY + timedelta(days=30)


def register(*readers: ReadsHolder) -> PostKeyRegister:
    return PostKeyRegister(agency="riverside", number=1, issued=datetime.now(UTC), posts=(), readers=readers or None)


def granted(until: date | None = SOON, *, name: str = "analysis") -> PostKeyRegister:
    return register(ReadsHolder(name=name, reason="order 31", until=until))


def faults(said: PostKeyRegister) -> tuple[str, ...]:
    ((door),) = reads_doors(said)
    return door.faults()


def test_red_until_two_persons_answer_for_it(connect: Connect) -> None:
    with as_role(WEB):
        assert reads_doors(register()) == []
        assert faults(granted(None)) == ("the fleet granted it without an end", "no agreement")
        with pytest.raises(AgreementError, match="within 366 days"):
            agree_reads("analysis", "agreement 12", TODAY + timedelta(days=400), person="r.manager")
        agree_reads("analysis", "agreement 12", SOON, person="r.manager")
        assert faults(granted()) == ("no second person",)
        (door,) = reads_doors(granted())
        assert door.agreement is not None
        with pytest.raises(AgreementError, match="someone else"):
            confirm_reads(door.agreement.id, person="r.manager")
        confirm_reads(door.agreement.id, person="s.supervisor")
        assert faults(granted()) == ()
        with pytest.raises(AgreementError, match="waits for a second person"):
            confirm_reads(door.agreement.id, person="t.third")
        assert reads_doors(granted())[0].faults(datetime.combine(SOON + timedelta(days=1), time(12), UTC)) == (
            "the grant has ended: rewrite the broker's rights",
            "the agreement has ended",
        )
    with connect(WEB) as web, pytest.raises(psycopg.Error):
        web.execute("UPDATE ledger_agreement SET confirmed_by = 'x.other', confirmed_at = now()")
    with connect(WEB) as web, pytest.raises(psycopg.Error):
        web.execute(
            "INSERT INTO ledger_agreement (reader, says, until, agreed_by, confirmed_by, confirmed_at)"
            " VALUES ('other', 'x', now() + interval '1 day', 'a', 'b', now())"
        )


def test_grants_of_the_fleet_are_entered_once(connect: Connect) -> None:
    with connect(KEEPER) as keeper, as_role(KEEPER):
        keeper.autocommit = True
        steps = [granted(), granted(), granted(TODAY), register(), register(), granted()]
        assert [note_readers(keeper, said) for said in steps] == [1, 0, 1, 1, 0, 1]
        events = [event for (event,) in keeper.execute("SELECT event FROM ledger_entry ORDER BY number")]
    assert events == ["reads_granted", "reads_granted", "reads_ended", "reads_granted"]


def test_page_marks_what_lacks_an_agreement(tmp_path: Path) -> None:
    StateFile(tmp_path / "register.json", PostKeyRegister, about="it").write(granted(name="study"))
    auditor = client_of(made_person("i.auditor", DepartmentRole.AUDITOR))
    with override_settings(KEPT_REGISTER=tmp_path / "register.json"), as_role(WEB):
        page = auditor.get("/doors/").content.decode()
        assert '<span class="bad">no agreement</span>' in page
        assert "order 31" in page
        assert auditor.post("/doors/agree/", {"reader": "study"}).status_code == 403
        agree_reads("study", "agreement 12", SOON, person="r.manager")
        assert '<span class="bad">no second person</span>' in auditor.get("/doors/").content.decode()
    with override_settings(KEPT_REGISTER=tmp_path / "none.json"), as_role(WEB):
        assert "Nobody receives every read" in auditor.get("/doors/").content.decode()
