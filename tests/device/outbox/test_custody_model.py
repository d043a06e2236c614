"""Custody against a simple model: records come, are acknowledged, signed for and dropped, and the post is killed.

After every step the outbox holds what the model says: nothing leaves before a broker acknowledged it and everyone who
must has signed for it, and nothing stays after that. A kill or a power cut loses at most the acknowledgments and
receipts that came after the last record.
"""

import shutil
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from platepost.device.outbox.custody import Requirements
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import CLOCK, ExampleSigner
from platepost.wire.records import Recorder, Source
from platepost.wire.records.receipt import KeptRange
from tests.clocks import SteppedClock
from tests.device.outbox.conftest import Filler
from tests.device.outbox.inside import execute

KEY = bytes(range(32))
QUOTA = 30_000
GROUPS = (None, "narcotics")
CUSTODIANS = ("archive", "records")
draws = st.randoms(use_true_random=False)


@dataclass
class Chain:
    """What is true of one chain; the first record has number 1."""

    name: str = ""
    digests: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    here: set[int] = field(default_factory=set)
    reads: set[int] = field(default_factory=set)
    sent: set[int] = field(default_factory=set)
    unnamed: set[int] = field(default_factory=set)
    """Dropped, and not named yet."""
    signed: dict[str, set[int]] = field(default_factory=dict)
    """By custodian: what it has signed for, or need not sign for."""

    def require(self, wanted: frozenset[str]) -> None:
        stays = wanted & self.signed.keys()
        everything = set(range(1, len(self.digests) + 1))
        self.signed = {name: self.signed.get(name, everything if stays else set()) for name in wanted}
        self.release()

    def release(self) -> None:
        if self.signed:
            self.here -= self.sent.intersection(*self.signed.values())


class Custody(RuleBasedStateMachine):
    """A post's outbox, and what it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "0" / "outbox.db"
        self.starts = 0
        self.wanted: dict[str | None, frozenset[str]] = dict.fromkeys(GROUPS, frozenset())
        self.chains: dict[str | None, Chain] = {group: Chain() for group in GROUPS}
        self.fresh: set[str] = set()
        self.heard: set[tuple[str, str | None]] = set()
        self.reached: dict[tuple[str, str | None], int] = {}
        self.again: set[str] = set()
        self.open()

    def teardown(self) -> None:
        self.outbox.close()
        self.folder.cleanup()

    def open(self) -> None:
        self.outbox = Outbox(self.path, key=KEY, quota_bytes=QUOTA, clock=SteppedClock())
        assert self.outbox.set_aside == ()
        execute(self.outbox, "PRAGMA synchronous = OFF")
        self.fill = Filler(Recorder(self.outbox, ExampleSigner(), Source("demo", "post-1")))
        self.require()
        self.fresh, self.heard, self.again = set(), set(), set()
        self.reached = {}

    def require(self) -> None:
        covert = {group: wanted for group, wanted in self.wanted.items() if group is not None}
        self.outbox.require(Requirements(in_force=True, open=self.wanted[None], covert=covert))
        for group, chain in self.chains.items():
            if chain.digests or group is None:
                chain.require(self.wanted[group])
        self.committed = deepcopy(self.chains)

    def copy(self) -> Path:
        """Return a copy of the files as they are while the outbox is open: as a kill leaves them."""
        self.starts += 1
        folder = Path(self.folder.name) / str(self.starts)
        shutil.copytree(self.path.parent, folder)
        return folder / self.path.name

    def note(self, envelope: Any, group: str | None, *, read: bool = False) -> None:
        chain = self.chains[group]
        if not chain.digests:
            chain.name = envelope.event["chain"]
            chain.require(self.wanted[group])
        chain.digests.append(envelope.digest)
        chain.ids.append(envelope.id)
        number = len(chain.digests)
        assert envelope.event["sequence"] == number
        chain.here.add(number)
        if read:
            chain.reads.add(number)
        open_chain = self.chains[None]
        stored = {name for (name,) in execute(self.outbox, "SELECT id FROM record")}
        dropped = {number for number in open_chain.here if open_chain.ids[number - 1] not in stored}
        assert dropped <= open_chain.reads, "only reads are dropped"
        open_chain.here -= dropped
        open_chain.unnamed |= dropped
        if dropped - open_chain.sent:
            assert not open_chain.here & open_chain.reads & open_chain.sent, "those that were sent go first"
        self.committed = deepcopy(self.chains)
        self.synchronised = self.copy(), deepcopy(self.chains), dict(self.wanted)

    @initialize()
    def begin(self) -> None:
        self.wanted[None] = frozenset({"records"})
        self.require()
        self.note(self.fill.audit(), None)

    # --- what happens

    @rule(picture=st.sampled_from([0, 2000]))
    def read(self, picture: int) -> None:
        self.note(self.fill.read(picture_bytes=picture), None, read=True)

    @rule(group=st.sampled_from(GROUPS))
    def hit(self, group: str | None) -> None:
        self.note(self.fill.hit(group=group), group)

    @rule()
    def account(self) -> None:
        account = self.fill.recorder.account_for_drops(clock=CLOCK)
        if account is not None:
            ranges = account.event["data"]["dropped"]["sequences"]
            named = {number for gap in ranges for number in range(gap["first"], gap["last"] + 1)}
            assert named == self.chains[None].unnamed
            self.chains[None].unnamed = set()
            self.note(account, None)
        self.committed = deepcopy(self.chains)

    @rule(draw=draws, repeating=st.booleans())
    def acknowledge(self, draw: Any, repeating: bool) -> None:  # noqa: FBT001 - hypothesis
        offered = self.outbox.next(99, repeating=repeating)
        taken = [envelope for envelope in offered if draw.random() < 0.6]
        assert self.outbox.acknowledge([envelope.place for envelope in taken]) == len(taken)
        ids = {envelope.id for envelope in taken}
        for chain in self.chains.values():
            chain.sent |= {number for number in chain.here if chain.ids[number - 1] in ids}
            chain.release()
            self.fresh |= ids & {chain.ids[number - 1] for number in chain.here}
        self.again -= ids

    @rule(draw=draws, custodian=st.sampled_from(CUSTODIANS), group=st.sampled_from(GROUPS))
    def receipt(self, draw: Any, custodian: str, group: str | None) -> None:
        chain = self.chains[group]
        if not chain.digests:
            return
        ends = sorted(
            draw.sample(range(1, len(chain.digests) + 1), min(len(chain.digests), draw.randrange(5)) // 2 * 2)
        )
        spans = list(zip(ends[::2], ends[1::2], strict=True))
        ranges = [KeptRange(first=first, last=last, digest=chain.digests[last - 1]) for first, last in spans]
        before = len(chain.here)
        if custodian in chain.signed:
            chain.signed[custodian] |= {number for first, last in spans for number in range(first, last + 1)}
            chain.release()
        taken = self.outbox.take_receipt(custodian, chain.name, ranges)
        assert taken == (before - len(chain.here), False)
        self.heard.add((custodian, group))

    @rule(draw=draws, custodian=st.sampled_from(CUSTODIANS), group=st.sampled_from(GROUPS))
    def forged_history(self, draw: Any, custodian: str, group: str | None) -> None:
        """A custodian that holds other records under these numbers, or more of them."""
        chain = self.chains[group]
        if not chain.here:
            return
        end = draw.choice([*chain.here, len(chain.digests) + 1])
        ranges = [KeptRange(first=1, last=end, digest="0" * 64)]
        assert self.outbox.take_receipt(custodian, chain.name, ranges) == (0, True)

    @rule(open_chain=st.sets(st.sampled_from(CUSTODIANS), min_size=1), covert=st.sets(st.sampled_from(CUSTODIANS)))
    def other_custodians(self, open_chain: set[str], covert: set[str]) -> None:
        self.wanted = {None: frozenset(open_chain), "narcotics": frozenset(covert)}
        self.require()

    @rule()
    def left_out(self) -> None:
        missing: set[str] = set()
        for custodian, group in self.heard:
            chain = self.chains[group]
            if custodian not in chain.signed:
                continue
            highest = max(chain.signed[custodian], default=0)
            waiting = highest > self.reached.get((custodian, group), 0)
            self.reached[custodian, group] = highest
            lacking = chain.here & chain.sent - chain.signed[custodian]
            missing |= {chain.ids[number - 1] for number in lacking if number < highest or not waiting}
        missing -= self.fresh
        assert self.outbox.send_left_out() == len(missing)
        self.again |= missing
        self.fresh, self.heard = set(), set()

    @rule()
    def kill(self) -> None:
        """Of acknowledgments and receipts those are left that came before the last record was stored."""
        self.path, before = self.copy(), self.outbox
        before.close()
        self.chains = deepcopy(self.committed)
        self.open()

    @precondition(lambda self: self.chains[None].digests)
    @rule()
    def cut_power(self) -> None:
        """Of what was not synchronised nothing is left."""
        before = self.outbox
        before.close()
        self.path, self.chains, self.wanted = self.synchronised[0], deepcopy(self.synchronised[1]), self.synchronised[2]
        self.open()
        self.synchronised = self.copy(), deepcopy(self.chains), dict(self.wanted)

    # --- what is true

    @invariant()
    def everything_is_here_that_must_be_and_nothing_else(self) -> None:
        expected = {
            (chain.ids[number - 1], int(number in chain.sent))
            for chain in self.chains.values()
            for number in chain.here
        }
        assert set(execute(self.outbox, "SELECT id, sent FROM record")) == expected
        waiting = {envelope.id for envelope in self.outbox.next(999)}
        assert waiting == {name for name, sent in expected if not sent}
        repeated = [envelope.id for envelope in self.outbox.next(999, repeating=True)][len(waiting) :]
        assert set(repeated) == self.again & {name for name, sent in expected if sent}
        (size,) = execute(self.outbox, "SELECT coalesce(sum(size), 0) FROM record")[0]
        assert self.outbox._quota.size == size


Custody.TestCase.settings = settings(
    max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCustody = Custody.TestCase
