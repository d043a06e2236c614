"""What stands on the hot-list topics, sent for again when it may be good by then."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from platepost.device.hotlist.download import (
    PARTS_AT_A_TIME,
    RETRY_MOST_SECONDS,
    RETRY_SECONDS,
    SILENT_SECONDS,
    HotListDownload,
)
from platepost.device.hotlist.service import NOT_STORED, Installation
from platepost.device.uplink.inbox import Delivery, Handler
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotListRefused, RefusalReason
from platepost.wire.hotlist.manifest import Manifest, verify
from platepost.wire.hotlist.package import load_key
from platepost.wire.hotlist.parts import split_parts
from platepost.wire.records import hotlist_delta, hotlist_keys, hotlist_package, hotlist_part
from tests.device.hotlist.department import Department


@dataclass
class Lists:
    """Answers each package with the outcome that stands on it."""

    listeners: list[Callable[[], None]] = field(default_factory=list)
    recipient: str = "post"

    def install(self, package: bytes | memoryview) -> Installation:
        said = bytes(package).decode()
        return Installation(1, None, "in force") if said == "good" else Installation(None, said, said)

    def install_keys(self, message: bytes) -> Installation:
        return self.install(message)

    def examine(self, line: bytes) -> Manifest:
        raise AssertionError(line)

    def refuse(self, refusal: HotListRefused) -> Installation:
        raise AssertionError(refusal)

    def on_installed(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)


@dataclass
class Sent:
    """What was sent for, and who takes what comes."""

    topics: list[str] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)

    def subscribe(self, topic: str, handler: Handler) -> None:
        self.handlers[topic] = handler
        self.topics.append(topic)

    def unsubscribe(self, topic: str) -> None:
        raise AssertionError(topic)


KEYS, PACKAGE, DELTA = hotlist_keys("demo", "post"), hotlist_package("demo"), hotlist_delta("demo")


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def download(sent: Sent, tmp_path: Path) -> HotListDownload:
    made = HotListDownload(Lists(), sent, agency="demo", directory=tmp_path)
    assert sent.topics == [KEYS, PACKAGE, DELTA]
    sent.topics.clear()
    return made


def comes(sent: Sent, topic: str, package: str) -> None:
    sent.handlers[topic](Delivery(1, 1, 1, topic, package.encode()))


@pytest.mark.parametrize("reason", [RefusalReason.BAD_SIGNATURE, RefusalReason.OLDER])
def test_what_another_key_may_make_good_is_sent_for_once_the_keys_have_changed(
    download: HotListDownload, sent: Sent, reason: RefusalReason
) -> None:
    comes(sent, PACKAGE, reason)
    comes(sent, DELTA, "good")
    download.poll(0.0)
    assert sent.topics == []
    download.again()
    assert sent.topics == [PACKAGE]
    download.again()
    assert sent.topics == [PACKAGE], "once for each time that it came"


@pytest.mark.parametrize(
    "reason", ["good", RefusalReason.REPEATED, RefusalReason.RETIRED_KEY, RefusalReason.FOREIGN_AGENCY, NOT_STORED]
)
def test_a_whole_fleet_does_not_send_for_lists_that_no_key_makes_good(
    download: HotListDownload, sent: Sent, reason: str
) -> None:
    comes(sent, PACKAGE, reason)
    download.again()
    assert sent.topics == []


def test_packages_that_came_before_the_keys_of_their_epoch_are_sent_for_once_these_have_come(
    download: HotListDownload, sent: Sent
) -> None:
    comes(sent, PACKAGE, RefusalReason.WRONG_KEY)
    comes(sent, DELTA, RefusalReason.WRONG_KEY)
    comes(sent, KEYS, RefusalReason.OLDER)
    assert sent.topics == []
    comes(sent, KEYS, "good")
    assert sorted(sent.topics) == [DELTA, PACKAGE]


def test_a_package_that_came_since_is_not_sent_for(download: HotListDownload, sent: Sent) -> None:
    comes(sent, PACKAGE, RefusalReason.BAD_SIGNATURE)
    comes(sent, PACKAGE, "good")
    download.again()
    assert sent.topics == []


@pytest.mark.parametrize("reason", [RefusalReason.EXPIRED, RefusalReason.BUILT_IN_FUTURE])
def test_what_the_clock_spoke_against_is_sent_for_once_it_has_changed(
    download: HotListDownload, sent: Sent, reason: str
) -> None:
    download.poll(0.0)
    comes(sent, PACKAGE, reason)
    download.poll(RETRY_SECONDS / 2)
    download.again()
    assert sent.topics == []
    download.clock_changed()
    assert sent.topics == [PACKAGE]


@pytest.mark.parametrize("reason", [NOT_STORED, RefusalReason.BUILT_IN_FUTURE])
def test_what_may_pass_by_itself_is_sent_for_less_and_less_often(sent: Sent, tmp_path: Path, reason: str) -> None:
    lists = Lists()
    download = HotListDownload(lists, sent, agency="demo", directory=tmp_path)
    comes(sent, KEYS, "good")
    comes(sent, DELTA, "good")
    sent.topics.clear()

    def waits(now: float) -> float:
        """Return after how many seconds more it is sent for."""
        comes(sent, PACKAGE, reason)
        for seconds in range(round(2 * RETRY_MOST_SECONDS)):
            download.poll(now + seconds)
            if sent.topics:
                sent.topics.clear()
                return float(seconds)
        raise AssertionError

    now, found = 0.0, []
    for _ in range(9):
        found.append(waits(now))
        now += found[-1]
    assert found == [0.0, *(min(RETRY_SECONDS * 2**n, RETRY_MOST_SECONDS) for n in range(8))]
    for listener in lists.listeners:
        listener()
    now += waits(now)
    assert waits(now) == RETRY_SECONDS, "after a list was taken, it begins again"


def test_what_got_lost_on_the_way_is_sent_for_less_and_less_often(download: HotListDownload, sent: Sent) -> None:
    def sent_for(until: int, *, since: int) -> list[int]:
        """Return the seconds at which it is sent for."""
        found = []
        for second in range(since, until):
            download.poll(second)
            if sent.topics:
                found.append(second)
                assert sent.topics == sorted(waiting)
                sent.topics.clear()
        return found

    comes(sent, KEYS, "good")
    waiting = {PACKAGE, DELTA}
    assert sent_for(9000, since=0) == [600, 1800, 4200, 7800]
    comes(sent, PACKAGE, "good")
    waiting = {DELTA}
    assert sent_for(9700, since=9000) == [9600], "what has come once is not sent for again"
    comes(sent, DELTA, "good")
    waiting = set()
    assert sent_for(30_000, since=9700) == []


class Parts(Sent):
    """A broker with a package in parts, which brings what is subscribed to once it is told to."""

    def __init__(self, package: bytes) -> None:
        super().__init__()
        index, parts = split_parts(package, part_bytes=1024)
        self.index = index.decode()
        self._parts = {hotlist_part(PACKAGE, number): part for number, part in enumerate(parts)}

    def unsubscribe(self, topic: str) -> None:
        self.handlers.pop(topic, None)

    def bring(self, most: float = float("inf")) -> None:
        while self.handlers and most > 0:
            most -= 1
            topic, handler = self.handlers.popitem()
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
    download = HotListDownload(lists, broker, agency="demo", directory=tmp_path)
    comes(broker, PACKAGE, broker.index)
    with monkeypatch.context() as patch:
        if call is not None:
            patch.setattr(os, call, fails)
        broker.bring()
    broker.topics.clear()
    download.poll(0.0)
    if call is None:
        assert lists.installed == [package]
        assert broker.topics == []
    else:
        assert lists.installed == []
        assert broker.topics == [PACKAGE]


def test_parts_that_got_lost_on_the_way_are_sent_for_again(tmp_path: Path) -> None:
    department = Department()
    package = department.package([HotListRow(f"T{number:05d}", "local", 5) for number in range(400)])
    lists, broker = Verified(department), Parts(package)
    download = HotListDownload(lists, broker, agency="demo", directory=tmp_path)
    comes(broker, KEYS, "good")
    comes(broker, DELTA, "good")
    comes(broker, PACKAGE, broker.index)
    lists.installed.clear()
    download.poll(0)
    broker.bring(3)
    download.poll(1)
    lost = {topic for topic in broker.handlers if topic not in {KEYS, PACKAGE, DELTA}}
    assert len(lost) == PARTS_AT_A_TIME
    broker.handlers.clear()
    broker.topics.clear()
    download.poll(SILENT_SECONDS)
    assert broker.topics == []
    download.poll(1 + SILENT_SECONDS)
    assert set(broker.topics) == broker.handlers.keys() == lost, "and neither the index nor what has come"
    broker.bring()
    assert lists.installed == [package]
