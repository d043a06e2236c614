"""Who hears every read at the broker stands in the ledger, and needs an agreement that two persons answer for."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest
from django.test import override_settings

from platepost.common.files import StateFile
from platepost.department.database.roles import KEEPER, WEB
from platepost.department.ledger.direct_feeds import agree_feed, confirm_feed, direct_feeds, note_readers
from platepost.department.ledger.errors import AgreementError
from platepost.department.people.rights import DepartmentRole
from platepost.provisioning.fleet.register import FeedHolder, PostKeyRegister
from tests.department.ledger.conftest import Connect
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role

TODAY = datetime.now(UTC).date()
SOON = TODAY + timedelta(days=30)


def register(*readers: FeedHolder) -> PostKeyRegister:
    return PostKeyRegister(agency="riverside", number=1, issued=datetime.now(UTC), posts=(), readers=readers or None)


def granted(until: date | None = SOON, *, name: str = "analysis") -> PostKeyRegister:
    return register(FeedHolder(name=name, reason="order 31", until=until))


def faults(post_key_register: PostKeyRegister) -> tuple[str, ...]:
    ((feed),) = direct_feeds(post_key_register)
    return feed.faults()


def test_red_until_two_persons_answer_for_it(connect: Connect) -> None:
    with as_role(WEB):
        assert direct_feeds(register()) == []
        assert faults(granted(None)) == ("the fleet granted it without an end", "no agreement")
        with pytest.raises(AgreementError, match="within 366 days"):
            agree_feed("analysis", "agreement 12", TODAY + timedelta(days=400), person="r.manager")
        agree_feed("analysis", "agreement 12", SOON, person="r.manager")
        assert faults(granted()) == ("no second person",)
        (feed,) = direct_feeds(granted())
        assert feed.agreement is not None
        with pytest.raises(AgreementError, match="someone else"):
            confirm_feed(feed.agreement.id, person="r.manager")
        confirm_feed(feed.agreement.id, person="s.supervisor")
        assert faults(granted()) == ()
        with pytest.raises(AgreementError, match="waits for a second person"):
            confirm_feed(feed.agreement.id, person="t.third")
        assert direct_feeds(granted())[0].faults(datetime.combine(SOON + timedelta(days=1), time(12), UTC)) == (
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
        assert [note_readers(keeper, fields) for fields in steps] == [1, 0, 1, 1, 0, 1]
        events = [event for (event,) in keeper.execute("SELECT event FROM ledger_entry ORDER BY number")]
    assert events == ["reads_granted", "reads_granted", "reads_ended", "reads_granted"]


def test_page_marks_what_lacks_an_agreement(tmp_path: Path) -> None:
    StateFile(tmp_path / "register.json", PostKeyRegister, about="it").write(granted(name="study"))
    auditor = client_of(new_person("i.auditor", DepartmentRole.AUDITOR))
    with override_settings(STORED_REGISTER=tmp_path / "register.json"), as_role(WEB):
        page = auditor.get("/direct-feeds/").content.decode()
        assert '<span class="bad">no agreement</span>' in page
        assert "order 31" in page
        assert auditor.post("/direct-feeds/agree/", {"reader": "study"}).status_code == 403
        agree_feed("study", "agreement 12", SOON, person="r.manager")
        assert '<span class="bad">no second person</span>' in auditor.get("/direct-feeds/").content.decode()
    with override_settings(STORED_REGISTER=tmp_path / "none.json"), as_role(WEB):
        assert "No one receives every read" in auditor.get("/direct-feeds/").content.decode()
