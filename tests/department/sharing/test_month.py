"""A simulated month: every clause of the policy has live evidence, and what breaches exposed is what was exposed."""

import psycopg
import pytest

from platepost.department.database.roles import KEEPER
from platepost.department.ledger.verify import verify_ledger
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing.clauses import department_facts, evidence
from tests.campaigns.month.days import backdated_clock
from tests.campaigns.month.month import SimulatedMonth
from tests.department.emptying import empty, empty_custody, empty_ledger
from tests.department.ledger.conftest import Connect
from tests.department.sharing.conftest import AGENCIES

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = {
    "searches", "versions", "people", "published", "posts", "trainers", "trainings", "refused", "partial", "confirmed",
    "notes", "on_behalf", "readers", "terms", "holds", "requests", "managers", "answered", "checkpoints", "releases",
    "agreements", "plans", "samples",
}  # fmt: skip
OTHERS = (
    *("search_plate", "alerts_alert", "alerts_step", "alerts_acknowledgment", "ledger_agreement", "archive_hold"),
    *("lists_entry", "lists_request", "audits_sample", "audits_audit", "audits_plan", "audits_finding"),
    *("sharing_incident", "sharing_release", "sharing_request", "sharing_policy"),
)
"""What other tests may have left."""


def test_month_and_its_breaches(superuser: psycopg.Connection, connect: Connect) -> None:
    empty_ledger(superuser)
    empty_custody(superuser)
    empty(superuser, *AGENCIES, *OTHERS)
    with backdated_clock() as clock:
        month = SimulatedMonth(clock, reads=3, every=10)
        month.live()
        outcomes = month.drill()
    for outcome in outcomes:
        assert outcome.known == outcome.computed, outcome.kind
        assert outcome.known.plates, outcome.kind
        assert outcome.notified, outcome.kind
    assert [each.clause.id for each in evidence() if not each.is_met] == []
    facts = department_facts(policy_in_force())
    assert {name for name in LIVE if not facts[name]} == set()
    with connect(KEEPER) as keeper:
        assert verify_ledger(keeper).problems == []
