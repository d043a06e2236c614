"""What stands on the hot-list topics, sent for again when it may be good by then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device.hotlist import HotListRefused, Refusal
from device.hotlist.manifest import Manifest
from device.lists.intake import Intake
from device.lists.lists import NOT_STORED, Installation
from device.records import hotlist_delta, hotlist_package
from device.uplink import Delivery
from device.uplink.inbox import Handler


@dataclass
class Lists:
    """Answers each package with the outcome that stands on it."""

    listeners: list[Callable[[], None]] = field(default_factory=list)
    askers: list[Callable[[], None]] = field(default_factory=list)

    def install(self, package: bytes | memoryview) -> Installation:
        said = bytes(package).decode()
        return Installation(1, None, "in force") if said == "good" else Installation(None, said, said)

    def examine(self, line: bytes) -> Manifest:
        raise AssertionError(line)

    def refuse(self, refusal: HotListRefused) -> Installation:
        raise AssertionError(refusal)

    def on_installed(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)

    def on_unreadable(self, listener: Callable[[], None]) -> None:
        self.askers.append(listener)


@dataclass
class Sent:
    """What was sent for."""

    topics: list[str] = field(default_factory=list)

    def subscribe(self, topic: str, handler: Handler) -> None:
        del handler
        self.topics.append(topic)

    def unsubscribe(self, topic: str) -> None:
        raise AssertionError(topic)


PACKAGE, DELTA = hotlist_package("demo"), hotlist_delta("demo")


@pytest.fixture
def intake(tmp_path: Path) -> tuple[Intake, Sent]:
    made, sent = Intake(Lists(), agency="demo", directory=tmp_path), Sent()
    made.connect(sent)
    return made, sent


def comes(intake: Intake, topic: str, package: str) -> None:
    intake.subscriptions[topic](Delivery(1, 1, 1, topic, package.encode()))


@pytest.mark.parametrize("reason", [Refusal.BAD_SIGNATURE, Refusal.OLDER])
def test_what_another_key_may_make_good_is_sent_for_once_the_keys_have_changed(
    intake: tuple[Intake, Sent], reason: Refusal
) -> None:
    made, sent = intake
    comes(made, PACKAGE, reason)
    comes(made, DELTA, "good")
    made.try_again()
    assert sent.topics == []
    made.again()
    assert sent.topics == [PACKAGE]
    made.again()
    assert sent.topics == [PACKAGE], "once for each time that it came"


@pytest.mark.parametrize("reason", ["good", Refusal.REPEATED, Refusal.RETIRED_KEY, Refusal.FOREIGN_AGENCY, NOT_STORED])
def test_a_whole_fleet_does_not_send_for_lists_that_no_key_makes_good(intake: tuple[Intake, Sent], reason: str) -> None:
    made, sent = intake
    comes(made, PACKAGE, reason)
    made.again()
    assert sent.topics == []


def test_a_package_that_came_since_is_not_sent_for(intake: tuple[Intake, Sent]) -> None:
    made, sent = intake
    comes(made, PACKAGE, Refusal.BAD_SIGNATURE)
    comes(made, PACKAGE, "good")
    made.again()
    assert sent.topics == []


def test_what_had_expired_is_sent_for_once_the_clock_has_changed(intake: tuple[Intake, Sent]) -> None:
    made, sent = intake
    comes(made, PACKAGE, Refusal.EXPIRED)
    made.try_again()
    made.again()
    assert sent.topics == []
    made.clock_changed()
    assert sent.topics == [PACKAGE]


def test_a_list_that_the_disk_does_not_give_any_more_is_sent_for_though_it_was_taken(tmp_path: Path) -> None:
    lists, sent = Lists(), Sent()
    made = Intake(lists, agency="demo", directory=tmp_path)
    made.connect(sent)
    comes(made, PACKAGE, "good")
    for ask in lists.askers:
        ask()
    assert sent.topics == [PACKAGE, DELTA]
