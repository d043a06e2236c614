"""Demands that do not fit the rest of their scenario, so that they would be met whatever the posts do."""

from collections.abc import Collection, Iterator

from platepost.common.settings import hint
from platepost.simulator.scenario.checks.base import BaseCheck
from platepost.simulator.scenario.checks.proof import BrokerCheck, CustodyCheck
from platepost.simulator.scenario.checks.records import HitsCheck
from platepost.simulator.scenario.checks.states import StateCheck
from platepost.simulator.scenario.durations import words


def misfits(
    check: BaseCheck, *, lasts: float, brokers: int, custodians: int, categories: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield what of a demand does not fit its scenario: the key, and what is wrong with it.

    Args:
        check: the demand.
        lasts: how long the scenario lasts, seconds.
        brokers: how many it has.
        custodians: likewise.
        categories: those of its lists.

    """
    for key in ("after", "entered", "left"):
        if (moment := getattr(check, key, None)) is not None and moment >= lasts:
            yield key, "after the scenario's end"
    # What is before the end is all that there is, and what is true at the end can be asked for.
    for key in ("before", "at"):
        if (moment := getattr(check, key, None)) is not None and moment > lasts:
            yield key, "after the scenario's end"
    if isinstance(check, StateCheck) and check.left is not None and check.left < lasts <= check.left + check.within:
        until = words(check.left + check.within)
        yield (
            "left",
            f"it may be reported until {until}, and the scenario ends before: whether it is cleared cannot be seen",
        )
    if isinstance(check, BrokerCheck) and check.broker > brokers:
        yield "broker", too_many(brokers, "broker")
    if isinstance(check, CustodyCheck) and not custodians:
        yield "check", too_many(custodians, "custodian")
    if isinstance(check, HitsCheck) and check.category is not None and check.category not in categories:
        yield "category", f"on no list; {hint(check.category, sorted(categories))}"


def too_many(there: int, what: str) -> str:
    """Say that there are only so many brokers, or custodians."""
    if not there:
        return f"there is no {what}"
    return f"there are only {there} {what}s" if there > 1 else f"there is only one {what}"
