"""Rules against misuse: what is unusual enough that someone must answer for it. They accuse no one of anything.

Each rule says in a sentence what was seen, against what is usual among colleagues, and names the entries. A sentence
names no plate. Thresholds stand in the policy file: `platepost.department.policy.policy.MisuseRules`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import comb
from statistics import median
from typing import TypeAlias, TypeVar

from platepost.department.audits.access_events import AccessEvents, SearchEvent
from platepost.department.policy.policy import MisuseRules

_APART = timedelta(hours=4)
"""Without an act for so long, someone has gone."""
_AT_WORK = timedelta(hours=2)
"""From so long a visit on, it is a shift."""
_SHIFTS = 3
"""Days on which a person must have worked at an hour, or begun shifts, before these hours count as usual."""
_SHIFT = timedelta(hours=12)
"""How long a shift lasts once someone began it, as on the console."""
_PEERS = 5
"""Fewest colleagues from whom something can be called usual."""
_CHANCE = 0.001
"""How likely what was seen may be by chance alone."""
_MOST_OPEN = 3
"""Characters that an entry of a list may leave open and be compared with a household: some 40,000 plates."""
_FOLLOWED_LATER = timedelta(days=7)
"""Something may come yet of what was searched for the first time since."""


class MisuseRule(StrEnum):
    """What is looked for."""

    SAME_PLATE = "same plate"
    OUT_OF_HOURS = "out of hours"
    COPIED_REASONS = "copied reasons"
    UNRELATED_PLATES = "unrelated plates"
    VOLUME = "volume"
    NOTHING_FOLLOWED = "nothing followed"
    OWN_HOUSEHOLD = "own household"


@dataclass(frozen=True, slots=True)
class SuspectedMisuse:
    """What a rule has found of one person."""

    rule: MisuseRule
    subject: str
    says: str
    searches: tuple[SearchEvent, ...]
    """In order of time; at least one."""


Household: TypeAlias = Callable[[str, str], bool]
"""Tells of a person and a plate, folded, whether the plate is of their household."""


def suspected_misuse(
    acts: AccessEvents, rules: MisuseRules, *, until: datetime, household: Household
) -> Iterator[SuspectedMisuse]:
    """Yield what all rules find, at most once for a rule and a person.

    Args:
        acts: of the whole time that is looked back at.
        rules: the thresholds.
        until: the end of that time.
        household: whose plates are known, with consent.

    """
    by = _grouped((search.person, search) for search in acts.searches)
    yield from _same_plate(acts, rules, by)
    yield from _out_of_hours(acts, rules, by)
    yield from _copied_reasons(rules, by)
    yield from _unrelated_plates(acts, rules, by)
    yield from _volume(rules, by)
    yield from _nothing_followed(acts, rules, by, until - _FOLLOWED_LATER)
    yield from _own_household(by, household)


_ByPerson: TypeAlias = Mapping[str, list[SearchEvent]]
_Key = TypeVar("_Key")


def _grouped(pairs: Iterable[tuple[_Key, SearchEvent]]) -> dict[_Key, list[SearchEvent]]:
    groups: dict[_Key, list[SearchEvent]] = defaultdict(list)
    for key, search in pairs:
        groups[key].append(search)
    return groups


def _same_plate(acts: AccessEvents, rules: MisuseRules, by: _ByPerson) -> Iterator[SuspectedMisuse]:
    """One plate by one person over weeks, where no colleague searches for that case, and nothing came of it."""
    alone = {
        person: _grouped(
            (plate, search) for search in searches if not acts.is_shared(search) for plate in search.plates
        )
        for person, searches in by.items()
    }
    days = {
        person: {plate: sorted({acts.day(search) for search in searches}) for plate, searches in plates.items()}
        for person, plates in alone.items()
    }
    for person, plates in days.items():
        repeated = [
            plate
            for plate, on in plates.items()
            if len(on) >= rules.same_plate_days and on[-1] - on[0] >= timedelta(days=rules.same_plate_span_days)
        ]
        if not repeated:
            continue
        most = max((plates[plate] for plate in repeated), key=len)
        others = [len(on) for other, theirs in days.items() if other != person for on in theirs.values()]
        yield _suspected(
            MisuseRule.SAME_PLATE,
            person,
            f"Searched for one plate on {len(most)} days from {most[0]} to {most[-1]}, and no colleague for the same"
            f" case; nothing came of it. Colleagues searched so for {len(others)} plates, for none of them on more than"
            f" {max(others, default=0)} days.",
            {search.number: search for plate in repeated for search in alone[person][plate]}.values(),
        )


@dataclass(slots=True)
class _Visit:
    """A time without a long pause in which someone did something."""

    moments: list[datetime]
    worked: bool = False
    """Whether they did more than look, or what they looked for was exigent."""

    @property
    def length(self) -> timedelta:
        return self.moments[-1] - self.moments[0]


def _visits(present: Iterable[tuple[datetime, bool]]) -> list[_Visit]:
    visits: list[_Visit] = []
    for at, worked in sorted(present):
        if not visits or at - visits[-1].moments[-1] > _APART:
            visits.append(_Visit([]))
        visits[-1].moments.append(at)
        visits[-1].worked |= worked
    return visits


def _out_of_hours(acts: AccessEvents, rules: MisuseRules, by: _ByPerson) -> Iterator[SuspectedMisuse]:
    """Short visits outside the person's shifts, to search and for nothing else."""
    shifts = {person: _begun_shifts(acts, rules, person) for person in by}
    lone = {person: _lone_visits(acts, rules, person, shifts[person]) for person in by}
    for person, visits in lone.items():
        moments = {moment for visit in visits for moment in visit.moments}
        searches = [search for search in by[person] if search.at in moments]
        if len({acts.day(search) for search in searches}) < rules.lone_visits:
            continue
        others = sum(len(theirs) for other, theirs in lone.items() if other != person)
        where = "at hours without a shift of theirs" if shifts[person] is None else "outside the shifts that they began"
        yield _suspected(
            MisuseRule.OUT_OF_HOURS,
            person,
            f"Came {len(visits)} times {where}, for {rules.lone_visit_minutes} minutes at most, to search and for"
            f" nothing else. {len(lone) - 1} colleagues together did so {others} times.",
            searches,
        )


def _begun_shifts(acts: AccessEvents, rules: MisuseRules, person: str) -> list[datetime] | None:
    """Return when someone began shifts; None where they do not: then it is inferred from what they did when.

    What is over within a lone visit is no shift, so that no one begins one to search.
    """
    begun = []
    for begins in acts.begun[person]:
        within = [(at, worked) for at, worked in acts.present[person] if begins <= at < begins + _SHIFT]
        if any(worked for _, worked in within) or max(within)[0] - begins > timedelta(minutes=rules.lone_visit_minutes):
            begun.append(begins)
    return begun if len({begins.astimezone(acts.zone).date() for begins in begun}) >= _SHIFTS else None


def _lone_visits(
    acts: AccessEvents, rules: MisuseRules, person: str, begun: Collection[datetime] | None
) -> list[_Visit]:
    searched = {search.at for search in acts.searches if search.person == person}
    visits = _visits(acts.present[person])
    hours = Counter(hour for visit in visits if visit.length >= _AT_WORK for hour in _hours(acts, visit))
    usual = {(hour + near) % 24 for hour, days in hours.items() if days >= _SHIFTS for near in (-1, 0, 1)}
    # A shift that began before what is looked back at is not known.
    known_from = min(present[0][0] for present in acts.present.values()) + _SHIFT

    def on_shift(visit: _Visit) -> bool:
        if begun is None:
            return not usual.isdisjoint(_hours(acts, visit))
        first, last = visit.moments[0], visit.moments[-1]
        return first < known_from or any(first < begins + _SHIFT and begins <= last for begins in begun)

    return [
        visit
        for visit in visits
        if not visit.worked
        and visit.length <= timedelta(minutes=rules.lone_visit_minutes)
        and not searched.isdisjoint(visit.moments)
        and not on_shift(visit)
    ]


def _hours(acts: AccessEvents, visit: _Visit) -> set[int]:
    """Return the hours of the day that a visit covers, where the department is."""
    begins, ends = (moment.astimezone(acts.zone) for moment in (visit.moments[0], visit.moments[-1]))
    return {(begins.hour + more) % 24 for more in range(int((ends - begins) / timedelta(hours=1)) + 1)} | {ends.hour}


def _copied_reasons(rules: MisuseRules, by: _ByPerson) -> Iterator[SuspectedMisuse]:
    """One text as the reason of many cases, or of many plates without a case, that is not how everyone writes."""
    used: dict[str, dict[str, set[str]]] = {
        person: {
            reason: {search.case or search.plate or "" for search in searches}
            for reason, searches in _grouped((search.reason, search) for search in searches if search.reason).items()
        }
        for person, searches in by.items()
    }
    users = Counter(reason for reasons in used.values() for reason, cases in reasons.items() if len(cases) > 1)
    for person, reasons in used.items():
        copied = {
            reason: cases
            for reason, cases in reasons.items()
            if len(cases) >= rules.copied_reason_cases and users[reason] <= rules.reason_shared_by
        }
        if not copied:
            continue
        most = max(map(len, copied.values()))
        others = [len(cases) for other, theirs in used.items() if other != person for cases in theirs.values()]
        yield _suspected(
            MisuseRule.COPIED_REASONS,
            person,
            f"Gave one text as the reason for {most} cases, which at most {rules.reason_shared_by - 1} colleagues write"
            f" too. Usual is {_number(median(others)) if others else 1} for a text.",
            [search for search in by[person] if search.reason in copied],
        )


def _unrelated_plates(acts: AccessEvents, rules: MisuseRules, by: _ByPerson) -> Iterator[SuspectedMisuse]:
    """One case for plate after plate, over days, that none of its searches had found and no colleague asked for."""
    cases = _grouped((search.case, search) for search in acts.searches if search.case)
    counts: dict[tuple[str, str], list[SearchEvent]] = {}
    for case, searches in cases.items():
        for person, own in _grouped((search.person, search) for search in searches if search.searched).items():
            known = {plate for search in searches if search.person != person for plate in search.plates}
            for search in own:
                known |= {
                    plate for other in searches if other.searched != search.searched for plate in other.listed
                } & {search.searched}
            counts[person, case] = [search for search in own if search.searched not in known]
    plates = {key: len({search.searched for search in own}) for key, own in counts.items()}
    for person in by:
        plates_of_case = [
            own
            for (who, case), own in counts.items()
            if who == person
            and plates[who, case] >= rules.unrelated_plates
            and len({acts.day(search) for search in own}) >= rules.unrelated_days
        ]
        if not plates_of_case:
            continue
        others = [count for (who, _), count in plates.items() if who != person]
        most = max(plates_of_case, key=len)
        yield _suspected(
            MisuseRule.UNRELATED_PLATES,
            person,
            f"Typed {len({search.searched for search in most})} plates, whole or all but one character, under one case,"
            f" on {len({acts.day(search) for search in most})} days, that no other search of the case had found or"
            f" asked for. In colleagues' {len(others)} cases it is usually {_number(median(others)) if others else 1}.",
            [search for own in plates_of_case for search in own],
        )


def _volume(rules: MisuseRules, by: _ByPerson) -> Iterator[SuspectedMisuse]:
    """More searches than colleagues', far more than these differ among themselves."""
    counts = {
        person: sum(1 for search in searches if not search.opened and not search.is_entry)
        for person, searches in by.items()
    }
    for person, count in counts.items():
        others = [theirs for other, theirs in counts.items() if other != person]
        if len(others) < _PEERS:
            continue
        usual = median(others)
        spread = median(abs(count - usual) for count in others)
        if count < rules.volume_times * usual or count <= usual + 5 * spread:
            continue
        yield _suspected(
            MisuseRule.VOLUME,
            person,
            f"Made {count} searches in {rules.look_back_days} days. {len(others)} colleagues made {_number(usual)} each"
            f" (median), and {max(others)} at most.",
            [search for search in by[person] if not search.opened and not search.is_entry],
        )


def _nothing_followed(
    acts: AccessEvents, rules: MisuseRules, by: _ByPerson, until: datetime
) -> Iterator[SuspectedMisuse]:
    """Many cases of which nothing came, and for which no one else searched, while of colleagues' something does."""
    cases: dict[str, dict[str, SearchEvent]] = {}
    for person, searches in by.items():
        first = {search.case: search for search in reversed(searches) if search.case}
        cases[person] = {case: search for case, search in first.items() if search.at < until}
    shared = {person: sum(map(acts.is_shared, theirs.values())) for person, theirs in cases.items()}
    for person, own in cases.items():
        others = sum(len(theirs) for other, theirs in cases.items() if other != person)
        if len(own) < rules.followed_cases or not others or shared[person] > len(own) / 20:
            continue
        usual = (sum(shared.values()) - shared[person]) / others
        by_chance = sum(
            comb(len(own), count) * usual**count * (1 - usual) ** (len(own) - count)
            for count in range(shared[person] + 1)
        )
        if by_chance > _CHANCE:
            continue
        yield _suspected(
            MisuseRule.NOTHING_FOLLOWED,
            person,
            f"Searched for {len(own)} cases, and of {shared[person] or 'none'} anything came: a hold, an export, saved"
            f" work, a standing pattern, a colleague who searched. Of colleagues' {others} cases it is {usual:.0%}.",
            [search for search in by[person] if search.case in own],
        )


def _own_household(by: _ByPerson, household: Household) -> Iterator[SuspectedMisuse]:
    """Plates of the own household, which the person has named with consent, also where wildcards brought them."""
    for person, searches in by.items():
        about = [(search, search.plates | (search.listed if search.known else frozenset())) for search in searches]
        known = {plate for plate in {plate for _, plates in about for plate in plates} if household(person, plate)}
        own_searches = [
            search
            for search, plates in about
            if not known.isdisjoint(plates)
            or (search.pattern and any(household(person, plate) for plate in search.pattern.spelled(_MOST_OPEN)))
        ]
        if own_searches:
            yield _suspected(
                MisuseRule.OWN_HOUSEHOLD,
                person,
                f"Looked up or listed a plate of their own household {len(own_searches)} times. Usual is none.",
                own_searches,
            )


def _number(value: float) -> str:
    return f"{value:g}"


def _suspected(rule: MisuseRule, subject: str, says: str, searches: Collection[SearchEvent]) -> SuspectedMisuse:
    return SuspectedMisuse(rule, subject, says, tuple(sorted(searches, key=lambda search: search.number)))
