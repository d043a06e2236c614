"""What stands on the hot-list topics, sent for again when it may be good by then."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device.hotlist import HotListRefused, Refusal
from device.hotlist.download import HotListDownload
from device.hotlist.manifest import Manifest, verify
from device.hotlist.package import load_key
from device.hotlist.parts import split_parts
from device.hotlist.service import NOT_STORED, Installation
from device.records import hotlist_delta, hotlist_package, hotlist_part
from device.uplink import Delivery
from device.uplink.inbox import Handler
from provisioning.hotlist import HotListRow
from tests.device.hotlist.department import Department


@dataclass
class Lists:
    """Answers each package with the outcome that stands on it."""

    listeners: list[Callable[[], None]] = field(default_factory=list)

    def install(self, package: bytes | memoryview) -> Installation:
        said = bytes(package).decode()
        return Installation(1, None, "in force") if said == "good" else Installation(None, said, said)

    def examine(self, line: bytes) -> Manifest:
        raise AssertionError(line)

    def refuse(self, refusal: HotListRefused) -> Installation:
        raise AssertionError(refusal)

    def on_installed(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)


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
def intake(tmp_path: Path) -> tuple[HotListDownload, Sent]:
    made, sent = HotListDownload(Lists(), agency="demo", directory=tmp_path), Sent()
    made.connect(sent)
    return made, sent


def comes(intake: HotListDownload, topic: str, package: str) -> None:
    intake.subscriptions[topic](Delivery(1, 1, 1, topic, package.encode()))


@pytest.mark.parametrize("reason", [Refusal.BAD_SIGNATURE, Refusal.OLDER])
def test_what_another_key_may_make_good_is_sent_for_once_the_keys_have_changed(
    intake: tuple[HotListDownload, Sent], reason: Refusal
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
def test_a_whole_fleet_does_not_send_for_lists_that_no_key_makes_good(
    intake: tuple[HotListDownload, Sent], reason: str
) -> None:
    made, sent = intake
    comes(made, PACKAGE, reason)
    made.again()
    assert sent.topics == []


def test_a_package_that_came_since_is_not_sent_for(intake: tuple[HotListDownload, Sent]) -> None:
    made, sent = intake
    comes(made, PACKAGE, Refusal.BAD_SIGNATURE)
    comes(made, PACKAGE, "good")
    made.again()
    assert sent.topics == []


def test_what_had_expired_is_sent_for_once_the_clock_has_changed(intake: tuple[HotListDownload, Sent]) -> None:
    made, sent = intake
    comes(made, PACKAGE, Refusal.EXPIRED)
    made.try_again()
    made.again()
    assert sent.topics == []
    made.clock_changed()
    assert sent.topics == [PACKAGE]


class Parts(Sent):
    """A broker with a package in parts, which brings what is subscribed to once it is told to."""

    def __init__(self, package: bytes) -> None:
        super().__init__()
        index, parts = split_parts(package, part_bytes=1024)
        self.index = index.decode()
        self._parts = {hotlist_part(PACKAGE, number): part for number, part in enumerate(parts)}
        self._handlers: dict[str, Handler] = {}

    def subscribe(self, topic: str, handler: Handler) -> None:
        super().subscribe(topic, handler)
        self._handlers[topic] = handler

    def unsubscribe(self, topic: str) -> None:
        self._handlers.pop(topic, None)

    def bring(self) -> None:
        while self._handlers:
            topic, handler = self._handlers.popitem()
            if topic in self._parts:
                handler(Delivery(1, 1, 1, topic, self._parts[topic]))


class Verified(Lists):
    """Lists that know the issuer of a department."""

    def __init__(self, department: Department) -> None:
        super().__init__()
        self._department = department
        self.installed: list[bytes] = []

    def examine(self, line: bytes) -> Manifest:
        return verify(line, load_key(self._department.issuer_key, private=False))

    def install(self, package: bytes | memoryview) -> Installation:
        self.installed.append(bytes(package))
        return Installation(1, None, "in force")


def bad_sector(*_: object) -> bytes:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def bad_in_the_middle(descriptor: int, length: int, start: int) -> bytes:
    """Read as Linux does: up to the bad sector, with an error only where a read begins at it."""
    bad = 8192
    return bad_sector() if start == bad else _pread(descriptor, min(length, bad - start), start)


_pread = os.pread


@pytest.mark.parametrize(
    ("call", "fails"), [(None, None), ("pread", bad_sector), ("pread", bad_in_the_middle), ("pwrite", bad_sector)]
)
def test_parts_that_the_disk_does_not_keep_are_sent_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str | None, fails: Callable[..., bytes] | None
) -> None:
    department = Department()
    package = department.package([HotListRow(f"T{number:05d}", "local", 5) for number in range(400)])
    lists, broker = Verified(department), Parts(package)
    made = HotListDownload(lists, agency="demo", directory=tmp_path)
    made.connect(broker)
    comes(made, PACKAGE, broker.index)
    with monkeypatch.context() as patch:
        if call is not None:
            patch.setattr(os, call, fails)
        broker.bring()
    broker.topics.clear()
    made.try_again()
    if call is None:
        assert lists.installed == [package]
        assert broker.topics == []
    else:
        assert lists.installed == []
        assert broker.topics == [PACKAGE]
