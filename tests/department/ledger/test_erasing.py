"""Bodies go when their class has ended, by the purger alone, and the chain still verifies."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from department.database.cluster import SUPERUSER
from department.database.roles import AUDITOR, KEEPER, OWNER, PURGER, WEB, as_role
from department.ledger import erasing
from department.ledger.catalog import BodyClass, LedgerEvent
from department.ledger.entries import open_entry
from department.ledger.erasing import erase_bodies
from department.ledger.errors import LedgerError
from department.ledger.verify import verify_ledger
from department.ledger.writing import append
from tests.department.ledger.asked import ASKED
from tests.department.ledger.conftest import Connect

YEAR = timedelta(days=366)


def kept(connect: Connect) -> int:
    with connect(SUPERUSER) as superuser:
        ((count,),) = superuser.execute(
            "SELECT count(*) FROM ledger_body JOIN ledger_entry USING (entry) WHERE class = 'access'"
        )
    return int(count)


def test_bodies_go_and_the_chain_verifies(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "STEP", 2)
    for _ in range(3):
        open_entry(**ASKED).shown()
    until = datetime.now(UTC)
    open_entry(**ASKED).shown()
    before = kept(connect)
    with as_role(PURGER), pytest.raises(LedgerError, match="bodies of access stay"):
        erase_bodies(BodyClass.ACCESS, until=until)
    assert kept(connect) == before, "a year has not passed"
    with connect(OWNER) as owner:
        owner.execute("UPDATE ledger_class SET least = '0'")
    with as_role(PURGER):
        assert erase_bodies(BodyClass.ACCESS, until=until) == before * 3 // 4
        assert erase_bodies(BodyClass.ACCESS, until=until) == 0
    assert kept(connect) == before // 4
    with connect(KEEPER) as keeper:
        assert verify_ledger(keeper).problems == []
    with connect(PURGER) as purger, pytest.raises(psycopg.Error, match="has not ended"):
        purger.execute("DELETE FROM ledger_body")


@pytest.mark.parametrize("role", [WEB, KEEPER, AUDITOR])
def test_only_the_purger_says_that_bodies_may_go(role: str) -> None:
    with as_role(role), pytest.raises(LedgerError, match="may not enter erased"):
        erase_bodies(BodyClass.ACCESS, until=datetime.now(UTC) - 2 * YEAR)


@pytest.mark.parametrize("ending", ["permanent", "unheard_of"])
def test_what_stays_for_good(ending: str) -> None:
    with as_role(PURGER), pytest.raises(LedgerError, match=f"bodies of {ending} stay"):
        append(LedgerEvent.ERASED, {"class": ending, "until": "2020-01-01T00:00:00Z"})


@pytest.mark.parametrize("until", ["9999-01-01T00:00:00Z", "infinity", "2020-01-01T00:00:00", "never Z", None])
def test_what_is_erased_names_a_time_that_has_passed(until: str | None) -> None:
    with as_role(PURGER), pytest.raises(LedgerError):
        append(LedgerEvent.ERASED, {"class": "access", "until": until})
