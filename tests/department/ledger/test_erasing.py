"""Bodies go when their class has ended, by the purger and a plan alone: see tests/department/archive/test_kinds.py."""

import psycopg
import pytest

from platepost.department.database.roles import AUDITOR, KEEPER, PURGER, WEB
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import append
from tests.department.ledger.conftest import Connect
from tests.department.roles import as_role


@pytest.mark.parametrize("role", [WEB, KEEPER, AUDITOR])
def test_only_the_purger_says_that_bodies_may_go(role: str) -> None:
    with as_role(role), pytest.raises(LedgerError, match="may not enter erased"):
        append(LedgerEvent.ERASED, {"class": "access", "until": "2020-01-01T00:00:00Z"})


def test_the_purger_says_so_by_a_plan_alone(connect: Connect) -> None:
    with as_role(PURGER), pytest.raises(LedgerError, match="no second person has approved it"):
        append(LedgerEvent.ERASED, {"class": "access", "until": "2020-01-01T00:00:00Z"})
    with connect(PURGER) as purger, pytest.raises(psycopg.errors.InsufficientPrivilege):
        purger.execute("DELETE FROM ledger_body")


@pytest.mark.parametrize("ending", ["permanent", "unheard_of"])
def test_what_stays_for_good(ending: str) -> None:
    with as_role(PURGER), pytest.raises(LedgerError, match=f"bodies of {ending} stay"):
        append(LedgerEvent.ERASED, {"class": ending, "until": "2020-01-01T00:00:00Z"})


@pytest.mark.parametrize("until", ["9999-01-01T00:00:00Z", "infinity", "2020-01-01T00:00:00", "never Z", None])
def test_what_is_erased_names_a_time_that_has_passed(until: str | None) -> None:
    with as_role(PURGER), pytest.raises(LedgerError):
        append(LedgerEvent.ERASED, {"class": "access", "until": until})
