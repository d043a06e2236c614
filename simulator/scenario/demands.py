"""Demands that do not fit the rest of their scenario, so that they would be met whatever the posts do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from device.config.explanation import hint
from simulator.scenario.checks.base import BaseCheck
from simulator.scenario.checks.proof import BrokerCheck
from simulator.scenario.checks.records import HitsCheck
from simulator.scenario.checks.states import StateCheck
from simulator.scenario.durations import words
from simulator.scenario.lists import DECOYS

if TYPE_CHECKING:
    from simulator.scenario.description import Scenario


def misfits(check: BaseCheck, scenario: "Scenario") -> Iterator[tuple[str, str]]:
    """Yield what of a demand does not fit its scenario: the key, and what is wrong with it."""
    lasts = scenario.lasts
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
            f"it may be said until {until}, and the scenario ends before: nobody sees whether it is taken back",
        )
    if isinstance(check, BrokerCheck) and check.broker > scenario.brokers:
        yield "broker", too_many(scenario.brokers)
    if isinstance(check, HitsCheck) and check.category is not None:
        listed = {plate.category for each in scenario.lists.values() for plate in each.plates}
        listed |= {DECOYS for each in scenario.lists.values() if each.decoys}
        if check.category not in listed:
            yield "category", f"on no list; {hint(check.category, sorted(listed))}"


def too_many(brokers: int) -> str:
    """Say that there are only so many brokers."""
    return f"there are only {brokers} brokers" if brokers > 1 else "there is only one broker"
