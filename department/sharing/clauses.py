"""The policy's clauses: what keeps each, which test shows it, and what the department's own records say of it now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.utils import timezone

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.policy.policy import Policy, policy_in_force
from platepost.department.sharing.errors import operation
from platepost.department.sharing.laws import law_differs
from platepost.department.sharing.models import BreachIncident, PolicyVersion, SharingRelease, SharingRequest


@dataclass(frozen=True, slots=True)
class PolicyClause:
    """One clause of the policy. Its evidence is a query, never a text that someone writes."""

    id: str
    says: str
    control: str
    """What keeps it."""
    test: str
    """That the control works: a test of this repository."""
    evidence: str
    """A sentence about facts, by their names: see `department_facts` and `_Fact`."""
    none: tuple[str, ...] = ()
    """Facts that must be zero."""
    some: tuple[str, ...] = ()
    """Facts that must not be zero."""


class _Fact:
    """A count in a sentence: `{plans:plan}` is `1 plan` or `2 plans`; `{people:person|people}` names its own plural.

    `{in_force:=yes|no}` is the word alone, and a count that is not known is `never`.
    """

    def __init__(self, count: int | None) -> None:
        self._count = count

    def __format__(self, text: str) -> str:
        if self._count is None:
            return "never"
        one, _, several = text.removeprefix("=").partition("|")
        word = one if self._count == 1 or not one else several or f"{one}s"
        return word if text.startswith("=") else f"{self._count} {word}".rstrip()


@dataclass(frozen=True, slots=True)
class ClauseEvidence:
    """What is to be seen of a clause now."""

    clause: PolicyClause
    says: str
    is_met: bool


_DEPARTMENT = "tests/department"
CLAUSES = (
    PolicyClause(
        "P1",
        "Records are used for the stated purposes only, or where a life is in danger.",
        "No record is read without an entry that names a purpose; a supervisor reviews what was exigent within a day.",
        f"{_DEPARTMENT}/audits/test_ledger.py::test_supervisor_reviews_what_was_exigent",
        "{searches:search|searches} in 30 days; {unreviewed:exigent one waits|exigent ones wait} for a review for more"
        " than a day",
        none=("unreviewed",),
    ),
    PolicyClause(
        "P2",
        "The policy is public.",
        "Each version is published with its digest, which every ledger entry about a search contains.",
        f"{_DEPARTMENT}/sharing/test_clauses.py::test_policy_is_published_once",
        "{versions:version} published, the active one among them: {in_force:=yes|no};"
        " {under_others:search|searches} under another",
        none=("under_others",),
        some=("in_force",),
    ),
    PolicyClause(
        "P3",
        "Operators are certified and trained.",
        "Certificates and four topics of training, each with its date, trainer and result.",
        f"{_DEPARTMENT}/people/test_authorization.py::test_auditor_and_administrator_see_no_vehicle",
        "{people:person|people} with a role that sees records, {lapsed} of them without a certificate or training",
        none=("lapsed",),
    ),
    PolicyClause(
        "P4",
        "Posts have the newest hot list.",
        "Lists are published each day; each post reports which one it has, and each hit how old it was.",
        f"{_DEPARTMENT}/lists/test_publishing.py",
        "{published:list} published in 24 hours; {behind} of {posts:post} without the newest",
        none=("behind",),
        some=("published",),
    ),
    PolicyClause(
        "P5",
        "Trainers assist.",
        "A role that notes training and exercises, and sees no record.",
        f"{_DEPARTMENT}/people/test_exercises.py",
        "{trainers:trainer}; {trainings:result} of training that {trainings:=counts|count}",
        some=("trainers",),
    ),
    PolicyClause(
        "P6",
        "Official business only.",
        "Words of forbidden uses stop a search, a list entry, a hold, and a grant; rules against misuse go through the"
        " ledger each night.",
        f"{_DEPARTMENT}/policy/test_forbidden_words.py",
        "{forbidden:forbidden use}; {refused:search|searches} refused in 30 days; {findings_overdue:finding} late",
        none=("findings_overdue",),
        some=("forbidden",),
    ),
    PolicyClause(
        "P7",
        "No one operates or looks without completed training.",
        "Permission is checked at each request and lapses automatically.",
        f"{_DEPARTMENT}/people/test_access.py::test_requests_get_what_the_table_says",
        "{untrained:day} on which someone searched without certification and training",
        none=("untrained",),
    ),
    PolicyClause(
        "P8",
        "Any patrol or investigation may use it.",
        "Purposes that need no case are in the policy, too.",
        f"{_DEPARTMENT}/policy/test_policy.py::test_allowed",
        "{purposes:purpose}, {open_purposes} of them without a case",
        some=("open_purposes",),
    ),
    PolicyClause(
        "P9",
        "Partial plates of major crimes are entered.",
        "One form searches the past and lists the pattern, with case, author and end.",
        f"{_DEPARTMENT}/lists/test_services.py",
        "{partial:partial plate} listed; {unlisted:waits|wait} for more than a day",
        none=("unlisted",),
    ),
    PolicyClause(
        "P10",
        "A hit is compared by eye and verified in the state's system.",
        "The database makes no alert actionable without both, by named people.",
        f"{_DEPARTMENT}/alerts/test_wrong_stops.py",
        "{confirmed:alert} confirmed in 30 days, {unverified} without both steps; {substitutes:review} late",
        none=("unverified", "substitutes"),
    ),
    PolicyClause(
        "P11",
        "No data of the state's system is kept.",
        "Outcome and time alone; the database refuses notes, list entries, and holds that look like a return.",
        f"{_DEPARTMENT}/alerts/test_actions.py",
        "{notes:note} on alerts, {listed:list entry|list entries}; {texts} texts with what a return has",
        none=("texts",),
    ),
    PolicyClause(
        "P12",
        "Images and data are for official use, and shared only as the law permits.",
        "Nothing is searched on behalf of an agency, and no one receives reads, without a current agreement.",
        f"{_DEPARTMENT}/sharing/test_agencies.py::test_no_query_is_answered_outside_an_agreement",
        "{on_behalf:search|searches} on behalf of others, {outside} without an agreement; {side_doors} of"
        " {readers:subscriber} {side_doors:=receives|receive} reads without one",
        none=("outside", "side_doors"),
    ),
    PolicyClause(
        "P13",
        "Records are kept for a year at least, and then as long as evidence needs them.",
        "The database enforces minimum and maximum; a hold survives every purge.",
        f"{_DEPARTMENT}/archive/test_refusals.py::test_refused",
        "{terms:term}; {overdue_records:part} past the law's ceiling; {holds:hold}, {holds_to_review} to review; the"
        " policy file and the database name one law: {law_differs:=no|yes}",
        none=("overdue_records", "holds_to_review", "law_differs"),
        some=("terms",),
    ),
    PolicyClause(
        "P14",
        "The department owns the data.",
        "Requests from outside are entered with a deadline, no matter who makes them.",
        f"{_DEPARTMENT}/sharing/test_requests.py",
        "{requests:request} open, {requests_late} late",
        none=("requests_late",),
    ),
    PolicyClause(
        "P15",
        "Requests go to the records manager.",
        "One role may answer them.",
        f"{_DEPARTMENT}/sharing/test_requests.py",
        "{managers:records manager}; {answered:request} answered",
        some=("managers",),
    ),
    PolicyClause(
        "P16",
        "A log-in and a password; every access is documented by name, date and time.",
        "A second factor, and a ledger that no one changes: signed checkpoints of it leave the machine each minute.",
        f"{_DEPARTMENT}/ledger/test_killed.py",
        "{nameless:search|searches} by no one known; {without_factor:person|people} without a second factor;"
        " {checkpoints:destination} got a checkpoint within five minutes, {checkpoints_late} did not get one",
        none=("nameless", "without_factor", "checkpoints_late"),
        some=("checkpoints",),
    ),
    PolicyClause(
        "P17",
        "A specific matter.",
        "Purposes that need a case are refused without its number.",
        f"{_DEPARTMENT}/policy/test_policy.py::test_incomplete",
        "{without_case} of {searches:search|searches} without the case that the purpose needs",
        none=("without_case",),
    ),
    PolicyClause(
        "P18",
        "Records are released to verified law-enforcement agencies.",
        "A register with the ORI, who checked what and until when; a second person confirms; agreements end.",
        f"{_DEPARTMENT}/sharing/test_agencies.py::test_forbidden_grants",
        "{releases:release}; {agreements:agreement} active, {unverified_agencies} with an agency that is not verified"
        " and confirmed now; {strangers:person|people} of an agency without an agreement",
        none=("unverified_agencies", "strangers"),
    ),
    PolicyClause(
        "P19",
        "Regular audits.",
        "Plans, samples by a seed, findings with dates.",
        f"{_DEPARTMENT}/audits/test_audits.py",
        "{plans:plan}; last audit {audited_days:day ago|days ago}, {samples:sample} in 30 days,"
        " {findings:finding} open, {audits_overdue:audit} late, {slow_plans:plan} too seldom for the law;"
        " {auditors_disabled:auditor} disabled",
        none=("audits_overdue", "slow_plans", "auditors_disabled"),
        some=("plans",),
    ),
    PolicyClause(
        "P20",
        "The people affected are notified of a breach.",
        "An incident opens a clock; who is affected is computed from the ledger.",
        f"{_DEPARTMENT}/sharing/test_incidents.py",
        "{incidents:incident} open, {incidents_late} past the time for notices",
        none=("incidents_late",),
    ),
)
"""Those of the policy that the system is to serve, in order."""


def department_facts(policy: Policy) -> Mapping[str, int | None]:
    """Return what there is to know of how the clauses are kept, by name: counts, none of a plate or a person."""
    with_case = [purpose.name for purpose in policy.purposes if purpose.case]
    parameters = [with_case, settings.PEOPLE_TRAINING.days, policy.law.audit_days]
    ((document,),) = rows("SELECT sharing_facts(%s, make_interval(days => %s), %s)", parameters)
    facts: dict[str, Any] = json.loads(document)
    return facts | {
        "versions": PolicyVersion.objects.count(),
        "law_differs": int(law_differs()),
        "in_force": PolicyVersion.objects.filter(digest=policy.digest).count(),
        "purposes": len(policy.purposes),
        "open_purposes": len(policy.purposes) - len(with_case),
        "forbidden": len(policy.forbidden),
        "requests": SharingRequest.objects.filter(decided_at=None).count(),
        "requests_late": SharingRequest.objects.filter(decided_at=None, due_on__lt=timezone.localdate()).count(),
        "answered": SharingRequest.objects.exclude(decided_at=None).count(),
        "releases": SharingRelease.objects.count(),
        "incidents": BreachIncident.objects.filter(notified_at=None).count(),
        "incidents_late": sum(incident.is_late for incident in BreachIncident.objects.filter(notified_at=None)),
    }


def evidence() -> list[ClauseEvidence]:
    """Return what is to be seen of each clause now.

    Raises:
        PolicyError: there is no policy.

    """
    facts = department_facts(policy_in_force())
    fields = {name: _Fact(count) for name, count in facts.items()}
    return [
        ClauseEvidence(
            clause,
            clause.evidence.format(**fields),
            not any(facts[name] for name in clause.none) and all(facts[name] for name in clause.some),
        )
        for clause in CLAUSES
    ]


def publish_policy(*, person: str, hearing: date) -> None:
    """Publish the policy file as it is now.

    Raises:
        SharingError: the person is no records manager, this version was published, or the hearing is to come.

    """
    digest = policy_in_force().digest
    with operation(LedgerEvent.POLICY_PUBLISHED, person=person, digest=digest, hearing=hearing):
        says = settings.POLICY_FILE.read_text("utf-8")
        PolicyVersion.objects.create(digest=digest, says=says, hearing=hearing, person=person)
