"""Damage to any page of the outbox or its log: what can be read is delivered, what cannot is named."""

import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.pages import PAGE
from platepost.device.outbox.rows import COVERT, add_loss
from platepost.wire.contract.examples import CLOCK, ExampleSigner, example_audit
from platepost.wire.records import Keyring, Recorder, Source
from platepost.wire.verify.verify import Report, Verifier
from tests.device.outbox.inside import ROOTS, execute, inside
from tests.thorough import THOROUGH

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
KEYS = Keyring.from_pem(ExampleSigner().public_pem)
COVERT_PLACES = {COVERT - number for number in range(9)}
FRAME, HEADER = PAGE + 24, 32


@dataclass
class Left:
    """What a post has left on its disk, and what the department has of it."""

    folder: Path
    waiting: dict[int, str] = field(default_factory=dict)
    delivered: list[bytes] = field(default_factory=list)


@dataclass
class Aftermath:
    """What became of it after damage."""

    found: set[str]
    lost: dict[str, set[int]]
    complete: bool
    reasons: list[str]
    report: Report
    same_chain: bool


def fill_some(outbox: Outbox, fill: Filler) -> Left:
    left = Left(outbox.path.parent)
    for number in range(14):
        fill.read(picture_bytes=(0, 2500, 9000)[number % 3])
        if number % 4 == 0:
            fill.hit()
            fill.audit()
            fill.hit(group="narcotics")
    left.delivered = [envelope.body for envelope in outbox.next(9)]
    outbox.acknowledge([envelope.place for envelope in outbox.next(9)])
    fill.audit()  # with it the acknowledgments are written
    left.waiting = {envelope.place: envelope.id for envelope in outbox.next(99)}
    return left


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, filler: Callable[[Outbox], Filler]) -> Left:
    """Give an outbox to be copied."""
    with Outbox(tmp_path_factory.mktemp("closed") / "outbox.db", key=KEY) as outbox:
        return fill_some(outbox, filler(outbox))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, filler: Callable[[Outbox], Filler]) -> Left:
    """Give an outbox, to be copied, whose process was killed: everything lies in the log yet."""
    path = tmp_path_factory.mktemp("killed") / "outbox.db"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        outbox = Outbox(path, key=KEY)
        left = fill_some(outbox, filler(outbox))
        os.write(writer, repr((left.waiting, left.delivered)).encode() + b"\n")
        signal.pause()
    os.close(writer)
    said = b""
    while not said.endswith(b"\n"):
        said += os.read(reader, 1 << 16)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    waiting, delivered = eval(said.decode())  # noqa: S307 - our own child's
    return Left(path.parent, waiting, delivered)


def damaged(left: Left, target: Path, name: str, place: int, *, length: int = 3) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(left.folder, target)
    file = target / name
    content = bytearray(file.read_bytes())
    content[place : place + length] = bytes(byte ^ 0x55 for byte in content[place : place + length])
    file.write_bytes(content)
    return target / "outbox.db"


def aftermath(path: Path, left: Left) -> Aftermath:
    with Outbox(path, key=KEY) as outbox:
        recorder = Recorder(outbox, ExampleSigner(), Source("demo", "post-1"))
        recorder.record(example_audit("boot"))
        lost: dict[str, set[int]] = {}
        complete = True
        while account := recorder.account_for_losses(clock=CLOCK):
            told = account.event["data"]["lost"]
            complete &= told["complete"]
            numbers = lost.setdefault(told["chain"], set())
            numbers |= {n for gap in told["sequences"] for n in range(gap["first"], gap["last"] + 1)}
        waiting = outbox.next(999)
        report = Verifier(KEYS, whole=True, redelivery=True).feed_all(
            [*left.delivered, *(envelope.body for envelope in waiting)]
        )
        again = Aftermath(
            {envelope.id for envelope in waiting},
            lost,
            complete,
            [aside.reason for aside in outbox.set_aside],
            report,
            all(aside.same_chain for aside in outbox.set_aside),
        )
        outbox.acknowledge([envelope.place for envelope in waiting])
        assert outbox.depth() == 0
    with Outbox(path, key=KEY) as third:
        assert third.set_aside == ()
    return again


def check(left: Left, after: Aftermath) -> int:
    """Everything is there or named; return how many are named."""
    named = set().union(*after.lost.values()) if after.lost else set()
    # A lost covert record is no affair of this chain: its own shows the gap to those who may know.
    silent = {
        number
        for number, name in left.waiting.items()
        if name not in after.found and number not in named | COVERT_PLACES
    }
    assert silent == set() or not after.complete
    assert not {left.waiting[number] for number in named & left.waiting.keys()} & after.found, "named, and there"
    # Where the log has lost that a record was deleted, the record is named if another has its pages since.
    assert named <= left.waiting.keys() or not after.complete
    covert = {chain.chain for chain in after.report.chains if chain.last < 9}
    kinds = {problem.kind for problem in after.report.problems if problem.chain not in covert}
    assert kinds <= (set() if after.complete else {"missing"})
    return len(named)


@pytest.mark.parametrize("offset", [8, 300, PAGE - 26])
def test_any_page_of_the_database(offset: int, closed: Left, tmp_path: Path) -> None:
    pages = (closed.folder / "outbox.db").stat().st_size // PAGE
    assert pages > 30
    first = range(max(ROOTS.values()) if offset == 300 else 3)
    tried = range(pages) if THOROUGH else sorted({*first, *range(offset % 7, pages, 7)})
    cost, new_chains, untouched = [], 0, 0
    for page in tried:
        path = damaged(closed, tmp_path / "damaged", "outbox.db", page * PAGE + offset)
        after = aftermath(path, closed)
        # Two pages have what the quota and former damage took.
        assert after.complete or page in {ROOTS["gap"] - 1, ROOTS["loss"] - 1}, f"page {page + 1}"
        assert after.reasons in (["damaged"], [])
        cost.append(check(closed, after))
        new_chains += not after.same_chain
        untouched += after.reasons == []
    assert max(cost) <= 5, "a page costs the records that lie on it and no others"
    if offset == 300:
        assert sum(cost) > 2
        assert sum(1 for lost in cost if lost == 0) > len(cost) // 4, "pages of indices cost nothing"
    assert new_chains <= 1, "only the page with the chain's end costs the chain"


@pytest.mark.parametrize("seed", range(300) if THOROUGH else [*range(40), 68])  # 68: pages out of order
def test_damage_of_every_kind(seed: int, closed: Left, killed: Left, tmp_path: Path) -> None:
    """Flipped bits, zeroed pages, a file that ends too early: what is not there is named, or not all is known."""
    chance = random.Random(seed)
    left, name = chance.choice([(closed, "outbox.db"), (killed, "outbox.db"), (killed, "outbox.db-wal")])
    path = damaged(left, tmp_path / "damaged", name, 0, length=0)
    file = path.with_name(name)
    content = bytearray(file.read_bytes())
    kind = chance.choice(["flipped", "zeroed", "short"])
    if kind == "short":
        # Less than the last append of a log looks like a power cut.
        content = content[: chance.randrange(len(content) // 4, len(content))] if name == "outbox.db" else content
    for _ in range(chance.choice([1, 1, 4])):
        place = chance.randrange(len(content))
        if kind == "flipped":
            content[place] ^= 1 << chance.randrange(8)
        elif kind == "zeroed":
            start = place // PAGE * PAGE
            content[start : start + PAGE] = bytes(len(content[start : start + PAGE]))
    file.write_bytes(content)
    after = aftermath(path, left)
    if after.reasons:
        check(left, after)


def test_any_frame_of_the_log(killed: Left, tmp_path: Path) -> None:
    size = (killed.folder / "outbox.db-wal").stat().st_size
    frames = (size - HEADER) // FRAME
    assert frames > 100
    named, silent = 0, 0
    for place in range(0, frames, 9 if THOROUGH else 27):
        path = damaged(killed, tmp_path / "damaged", "outbox.db-wal", HEADER + place * FRAME + 24 + 100)
        after = aftermath(path, killed)
        if place < frames - 40:
            assert after.reasons == ["damaged"], f"frame {place} of {frames}"
        named += check(killed, after) if after.reasons else 0
        silent += not after.reasons
    assert silent <= 5, "only the last append cannot be told from one that a power cut left unfinished"


@pytest.mark.parametrize("place", [0, 9, 17, 28, HEADER + 2, HEADER + 9, HEADER + 30])
def test_the_head_of_the_log(place: int, killed: Left, tmp_path: Path) -> None:
    path = damaged(killed, tmp_path / "damaged", "outbox.db-wal", place)
    after = aftermath(path, killed)
    assert after.reasons == ["damaged"]
    check(killed, after)
    assert set(killed.waiting.values()) <= after.found


def test_half_of_the_file_is_gone(closed: Left, tmp_path: Path) -> None:
    path = damaged(closed, tmp_path / "damaged", "outbox.db", 0, length=0)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    after = aftermath(path, closed)
    assert after.reasons == ["damaged"]
    check(closed, after)
    assert len(after.found) > 4


@pytest.mark.parametrize("offset", [8, 300, PAGE - 196, PAGE - 26])
def test_former_losses_are_told_or_not_complete(
    offset: int, path: Path, outbox: Outbox, fill: Filler, tmp_path: Path
) -> None:
    chain = fill.audit().event["chain"]
    left = Left(path.parent, waiting={1: outbox.next(1)[0].id})
    for number in range(1000, 1600, 2):
        inside(outbox, partial(add_loss, chain=chain, number=number))
    outbox.close()
    for page in range(path.stat().st_size // PAGE):
        after = aftermath(damaged(left, tmp_path / "damaged", "outbox.db", page * PAGE + offset), left)
        told = set(range(1000, 1600, 2)) & after.lost.get(chain, set())
        assert len(told) == 300 or (told == set() and not after.complete), f"page {page + 1}"


@pytest.mark.parametrize("picture_bytes", [2500, 5000])
def test_a_row_is_never_joined_from_two(
    picture_bytes: int, path: Path, filler: Callable[[Outbox], Filler], tmp_path: Path
) -> None:
    """The pages behind a row's first serve another row later, while the log has its first page still."""
    stored = set()
    with Outbox(path, key=KEY) as outbox:
        fill = filler(outbox)
        stored |= {fill.read(picture_bytes=picture_bytes).body for _ in range(24)}
    with Outbox(path, key=KEY) as outbox:
        fill = filler(outbox)
        for _ in range(6):
            outbox.acknowledge([envelope.place for envelope in outbox.next(2)])
            stored |= {fill.read(picture_bytes=picture_bytes).body for _ in range(2)}
        target = damaged(Left(path.parent), tmp_path / "damaged", "outbox.db", (ROOTS["record"] - 1) * PAGE + 300)
    spoil_frames(target.with_name("outbox.db-wal"), ROOTS["record"])
    with Outbox(target, key=KEY) as again:
        assert [aside.reason for aside in again.set_aside] == ["damaged"]
        bodies = {envelope.body for envelope in again.next(99)}
    assert len(bodies) >= 24
    assert bodies <= stored


def test_reads_of_a_former_chain_that_the_quota_drops_are_told_once(
    path: Path, outbox: Outbox, filler: Callable[[Outbox], Filler], tmp_path: Path
) -> None:
    fill = filler(outbox)
    former = [fill.read() for _ in range(10)]
    size = outbox.backlog().size_bytes
    outbox.close()
    target = damaged(Left(path.parent), tmp_path / "damaged", "outbox.db", (ROOTS["chain"] - 1) * PAGE + 300)
    with Outbox(target, key=KEY, quota_bytes=size + 2000) as again:
        assert [aside.same_chain for aside in again.set_aside] == [False]
        recorder = filler(again).recorder
        for _ in range(3):
            filler(again).read()
        dropped = again.backlog().reads_dropped
        assert dropped > 0
        assert recorder.account_for_drops(clock=CLOCK) is None, "there is nothing to tell of this chain"
        told = []
        while account := recorder.account_for_losses(clock=CLOCK):
            told.append(account.event["data"]["lost"])
        assert [(loss["chain"], loss["records"]) for loss in told] == [(former[0].event["chain"], dropped)]
        assert told[0]["sequences"] == [{"first": 1, "last": dropped}]
        assert recorder.account_for_drops(clock=CLOCK) is None


def test_a_count_of_drops_that_no_numbers_bear_out_is_not_told_for_ever(outbox: Outbox, fill: Filler) -> None:
    counts = "UPDATE dropped SET reads_pending = 3, pictures_pending = 1"
    execute(outbox, counts)
    account = fill.recorder.account_for_drops(clock=CLOCK)
    assert account.event["data"]["dropped"] == {"reads": 0, "pictures": 1, "sequences": []}
    assert fill.recorder.account_for_drops(clock=CLOCK) is None
    execute(outbox, "UPDATE dropped SET reads_pending = 3")
    assert fill.recorder.account_for_drops(clock=CLOCK) is None


def spoil_frames(log: Path, page: int) -> None:
    content = bytearray(log.read_bytes())
    for start in range(HEADER, len(content), FRAME):
        if int.from_bytes(content[start : start + 4], "big") == page:
            content[start + 24 + 300] ^= 0x55
    log.write_bytes(content)
