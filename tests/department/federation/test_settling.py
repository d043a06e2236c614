"""What answers that came too late are settled by: each partner's own, whatever another one does."""

from collections.abc import Sequence

import psycopg
import pytest

from platepost.department.database.roles import KEEPER
from platepost.department.federation import asking
from platepost.department.federation.asking import PartnerAnswer, settle
from platepost.department.federation.models import FederatedExchange
from platepost.department.federation.partners import name_partner
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append
from tests.department.federation.conftest import PURPOSE, Oakdale
from tests.department.roles import as_role
from tests.department.sharing.conftest import agreed_with

pytestmark = pytest.mark.django_db(transaction=True)


def unsettled(superuser: psycopg.Connection, agency: str, count: int, ago: str) -> None:
    """Have a partner owe entries, some time ago."""
    fields = {"agency_name": agency, "query": f"a query to {agency}", "word": "away"}
    entry = append(LedgerEvent.EXCHANGE_FAILED, fields)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        "INSERT INTO federation_exchange (id, side, agency, person, purpose, at, digest, entry)"
        " SELECT gen_random_uuid(), 'asked', %s, 'o.person', %s, now() - %s::interval, repeat('0', 64), %s"
        " FROM generate_series(1, %s)",
        [agency, PURPOSE, ago, entry, count],
    )


def test_partner_that_is_away_for_long_holds_up_no_other(
    oakdale: Oakdale, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for once, and not for seconds for each of its entries."""
    agreed_with("elm-pd", scope=["query"], per_hour=20)
    name_partner("elm-pd", "https://localhost:2", oakdale.identity.certificate.read_text(), person="r.manager")
    unsettled(superuser, "oakdale-pd", 1001, "9 days")
    unsettled(superuser, "elm-pd", 2, "1 hour")
    asked: list[tuple[str, str]] = []

    def send_each(calls: Sequence[asking.Call]) -> list[asking.StatusAndBody | PartnerAnswer]:
        ((partner, _, query),) = calls
        asked.append((partner.pk, query))
        return [PartnerAnswer(partner.pk, "away") if partner.pk == "oakdale-pd" else (400, b"stale")]

    monkeypatch.setattr(asking, "send_each", send_each)
    with as_role(KEEPER):
        assert settle() == {"settled": 0, "lost": 2, "waiting": 1000}
    assert asked == [("oakdale-pd", "a query to oakdale-pd"), *[("elm-pd", "a query to elm-pd")] * 2]
    assert FederatedExchange.objects.filter(decision=None).count() == 1001


def test_answer_that_is_wrong_holds_up_no_other_of_the_partner(
    oakdale: Oakdale, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsettled(superuser, "oakdale-pd", 3, "1 hour")
    answers: list[asking.StatusAndBody | PartnerAnswer] = [
        PartnerAnswer("oakdale-pd", "wrong", "its answer is too large"), (200, b"?"), (400, b"stale"),
    ]  # fmt: skip
    monkeypatch.setattr(asking, "send_each", lambda _: [answers.pop(0)])
    with as_role(KEEPER):
        assert settle() == {"settled": 0, "lost": 1, "waiting": 2}
