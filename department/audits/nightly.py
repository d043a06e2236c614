"""The rules against misuse, each night over the ledger. What they find is kept once a month for a rule and a person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from platepost.department.audits.access_events import read_access_events
from platepost.department.audits.household import HouseholdKey, open_sealed
from platepost.department.audits.log import auditing
from platepost.department.audits.rules import SuspectedMisuse, suspected_misuse
from platepost.department.audits.services import note_finding
from platepost.department.database.queries import rows
from platepost.department.policy.policy import policy_in_force

RULE = "one maker"
"""As a finding has it, beside the rules against misuse."""
_ACCOUNTS = """
SELECT maker.login, array_agg(person.login ORDER BY person.login)
FROM people_person AS person JOIN people_person AS maker ON maker.id = person.made_by_id
JOIN people_person AS sponsor ON sponsor.id = person.sponsor_id AND sponsor.made_by_id = maker.id
WHERE person.disabled_at IS NULL AND EXISTS (
    SELECT FROM people_training AS noted JOIN people_person AS trainer ON trainer.id = noted.trainer_id
    WHERE noted.person_id = person.id AND trainer.made_by_id = maker.id
)
GROUP BY maker.login ORDER BY maker.login
"""


@dataclass(frozen=True, slots=True)
class SingleMaker:
    """Someone who added people, and those who answer for them and trained them."""

    maker: str
    people: tuple[str, ...]

    @property
    def says(self) -> str:
        """What a finding says."""
        return (
            f"Added {', '.join(self.people)}, and also the sponsor and a trainer of each. Show that these people, their"
            " sponsors and their trainers exist."
        )


def single_makers() -> Iterator[SingleMaker]:
    """Yield whoever added people whose sponsor and trainer they added too; no one of the command line."""
    for maker, people in rows(_ACCOUNTS):
        yield SingleMaker(maker, tuple(people))


LINKED = 200
"""Entries that a finding names, the latest."""


@dataclass(frozen=True, slots=True)
class NightlyResult:
    """What one night brought."""

    since: datetime
    until: datetime
    searches: int
    suspected: tuple[SuspectedMisuse, ...]
    new_findings: tuple[int, ...]
    """Findings that are new, by id."""


def detect_misuse(
    *, person: str, agency: str, key: HouseholdKey | None, until: datetime | None = None
) -> NightlyResult:
    """Hold the ledger against the rules, and keep what they find. Given again, it finds nothing new.

    Args:
        person: in whose name the ledger is read.
        agency: that of the person.
        key: of households; without it that rule is left out.
        until: the end of the time that is looked back at; now where None.

    Raises:
        PurposeError: the policy has no purpose for it.
        LedgerError: it cannot be entered.

    """
    rules, zone = policy_in_force().misuse, timezone.get_current_timezone()
    ends = until or timezone.now()
    begins = ends - timedelta(days=rules.look_back_days)
    query = {"rules": "misuse", "since": begins.isoformat(), "until": ends.isoformat()}
    if key is not None:
        open_sealed(key, by=person)
    with auditing(person, agency, query) as log:
        acts = read_access_events(log, begins, ends, zone=zone)
        household = key.known() if key is not None else lambda *_: False
        suspected = tuple(suspected_misuse(acts, rules, until=ends, household=household))
        log.fetched(entries=sorted({search.number for finding in suspected for search in finding.searches[-LINKED:]}))
    new_findings = []
    for suspicion in suspected:
        linked = suspicion.searches[-LINKED:]
        month = acts.day(linked[-1]).replace(day=1)
        entries = [search.entry for search in linked]
        finding = note_finding(
            suspicion.rule.value, suspicion.subject, month=month, says=suspicion.says, entries=entries
        )
        new_findings += [finding.pk] if finding is not None else []
    month = timezone.localdate(ends).replace(day=1)
    for one in single_makers():
        finding = note_finding(RULE, one.maker, month=month, says=one.says, entries=[])
        new_findings += [finding.pk] if finding is not None else []
    return NightlyResult(begins, ends, len(acts.searches), suspected, tuple(new_findings))
