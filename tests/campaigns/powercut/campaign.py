"""The campaign: cuts by lot over several starts of an outbox, each opened, judged and gone on with."""

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from platepost.common.errors import OutboxError
from platepost.common.signals import check
from platepost.device.outbox.outbox import Outbox
from platepost.simulator import processes
from platepost.simulator.errors import SimulatorError
from platepost.wire.contract.examples import CLOCK, ExampleSigner, example_audit
from platepost.wire.records import Keyring, Recorder
from platepost.wire.verify.verify import Verifier
from tests.campaigns.campaign import Campaign
from tests.campaigns.command import Outcome
from tests.campaigns.powercut.disk import Disk, Operation, marks, read_log
from tests.campaigns.powercut.workload import CUSTODIAN, KEY, PROMISES, QUOTA_BYTES, REQUIREMENTS, SOURCE
from tests.campaigns.progress import ProgressDisplay

CUTS_A_START = 50
STEPS_A_START = 150
"""Steps of the workload between two starts."""
STARTS_A_DISK = 3
"""Starts from one disk to the next empty one: enough to fill the quota and to move the log into the database."""
WORKLOAD = (sys.executable, "-P", str(Path(__file__).with_name("workload.py")))
_EVERYTHING = 1_000_000


@dataclass(slots=True)
class Promises:
    """What the outbox had promised by the time of a cut."""

    stored: dict[int, dict[str, Any]] = field(default_factory=dict)
    taken: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What the department has, by number: also what was stored at a cut and not yet promised."""

    def add(self, line: bytes) -> None:
        """Take one line of the workload."""
        promise = json.loads(line)
        if "stored" in promise:
            self.stored[promise["stored"]["sequence"]] = promise["stored"]
        else:
            self.taken |= {event["sequence"]: event for event in promise["taken"]}

    def copy(self) -> "Promises":
        """Return one that changes on its own."""
        return Promises(dict(self.stored), dict(self.taken))


@dataclass(frozen=True, kw_only=True)
class PowerCutOutcome(Outcome):
    """What came of the cuts; each problem has what shows it again."""

    cuts: int
    starts: int
    operations: dict[str, int]
    """How many of each kind were done to the disk, as `disklog.c` names them."""
    promised: int
    """Records that were promised at the cuts, all cuts together."""

    def show(self, console: Console) -> None:
        """Show how much was done to the disk."""
        console.print(
            f"{self.cuts} power cuts over {self.starts} starts in {self.seconds:.0f} s: {self.operations['W']} writes, "
            f"{self.operations['S']} synchronizations; {self.promised} promises checked",
            highlight=False,
        )


class PowerCutCampaign(Campaign[Path, PowerCutOutcome]):
    """Cuts the power of an outbox that works; its site is an empty folder for the disks.

    Args:
        folder: the site.
        cuts: how many.
        seed: when they come, and which sectors reach the disk.
        cuts_a_start: of each start of the outbox.
        steps: of the workload, between two starts.
        workload: the command that runs it, to which folder, seed and steps are added.

    """

    def __init__(
        self,
        folder: Path,
        *,
        cuts: int,
        seed: int,
        progress: ProgressDisplay,
        cuts_a_start: int = CUTS_A_START,
        steps: int = STEPS_A_START,
        workload: Sequence[str] = WORKLOAD,
    ) -> None:
        super().__init__(folder, progress)
        self._count, self._cuts_a_start, self._steps, self._workload = cuts, cuts_a_start, steps, workload
        self._chance = random.Random(seed)
        self._cuts = self._starts = self._promised = 0
        self._operations: Counter[str] = Counter()

    def inflict(self) -> None:
        """Start an outbox again and again, and cut the power at moments drawn from each start.

        Raises:
            SimulatorError: there is no C compiler, or the workload fails by itself.

        """
        library = build(self.site)
        before, promises = self.site, Promises()
        while self._cuts < self._count:
            if self._starts % STARTS_A_DISK == 0:
                before, promises = self.site / f"before-{self._starts}", Promises()
                before.mkdir()
            self._starts += 1
            operations = self._work(before, library)
            self._operations.update(operation.kind for operation in operations)
            before, promises = self._cut(before, operations, promises)

    def judge(self) -> PowerCutOutcome:
        """Return what was found after each cut."""
        return PowerCutOutcome(
            cuts=self._cuts,
            starts=self._starts,
            operations=dict(self._operations),
            promised=self._promised,
            problems=tuple(self.problems),
            seconds=self.seconds,
        )

    def _work(self, before: Path, library: Path) -> list[Operation]:
        root, log = self.site / "root", self.site / "log"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(before, root)
        log.unlink(missing_ok=True)
        seed = self._chance.getrandbits(32)
        log_of(root, library, log, [*self._workload, str(root), str(seed), str(self._steps)])
        return read_log(log)

    def _cut(self, before: Path, operations: list[Operation], promises: Promises) -> tuple[Path, Promises]:
        """Cut and judge some times; return the folder and the promises of one of the cuts, to go on from."""
        count = min(self._cuts_a_start, self._count - self._cuts)
        disk, promised = Disk(before), dict(marks(operations, PROMISES))
        instants = sorted(self._chance.randint(0, len(operations)) for _ in range(count))
        go_on = self._chance.randrange(count)
        following = self.site / f"after-{self._starts}"
        kept = promises
        done = 0
        for number, instant in enumerate(instants):
            check()
            for place in range(done, instant):
                disk.do(operations[place])
                if place in promised:
                    promises.add(promised[place])
            done = instant
            draw = random.Random(f"{self._starts} {number} {self._chance.getrandbits(32)}")
            after = self.site / "after"
            shutil.rmtree(after, ignore_errors=True)
            after.mkdir()
            disk.cut(draw, after)
            (after / PROMISES).unlink(missing_ok=True)
            if number == go_on:
                shutil.copytree(after, following)
                kept = promises.copy()
            where = f"start {self._starts}, cut before operation {instant} of {len(operations)}"
            self.problems += [f"{where}: {problem}" for problem in judge(after, promises)]
            self._cuts += 1
            self._promised += len(promises.stored)
            self.progress.show("power cuts", self._cuts, self._count)
        return following, kept


def build(folder: Path) -> Path:
    """Compile the library that keeps the log.

    Raises:
        SimulatorError: there is no C compiler, or it fails.

    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SimulatorError("no C compiler; on Debian and Raspberry Pi OS: sudo apt-get install gcc libc6-dev")
    library = folder / "disklog.so"
    source = Path(__file__).with_name("disklog.c")
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl", "-lpthread"]
    done = processes.run(command)
    if done.returncode:
        raise SimulatorError(f"disklog.c does not compile: {done.stderr.strip()[-300:]}")
    return library


def log_of(root: Path, library: Path, log: Path, command: list[str]) -> None:
    """Run a command with what it does to the files of `root` kept in `log`.

    Raises:
        SimulatorError: it fails.

    """
    settings = {"LD_PRELOAD": str(library), "PLATEPOST_DISK_ROOT": str(root), "PLATEPOST_DISK_LOG": str(log)}
    done = processes.run(command, settings)
    if done.returncode:
        raise SimulatorError(f"the workload failed: {done.stderr.strip()[-500:]}")


def judge(folder: Path, promises: Promises) -> list[str]:
    """Open what a cut has left, and name every promise that is not kept."""
    try:
        with Outbox(folder / "outbox.db", key=KEY, quota_bytes=QUOTA_BYTES) as outbox:
            return _judge(outbox, promises)
    except OutboxError as error:
        return [f"cannot be opened: {error}"]


def _judge(outbox: Outbox, promises: Promises) -> list[str]:
    faults = [f"set aside: {aside.reason}" for aside in outbox.set_aside]
    last = max(promises.stored, default=0)
    if outbox.head.sequence < last:
        faults.append(f"the chain ends with {outbox.head.sequence}, and number {last} was promised")
    recorder = Recorder(outbox, ExampleSigner(), SOURCE)
    while recorder.account_for_drops(clock=CLOCK) is not None:
        pass
    recorder.record(example_audit("boot"))
    outbox.require(REQUIREMENTS)
    for _ in range(2):  # once the receipt says nothing new, nothing waits in a broker's queue
        outbox.take_receipt(CUSTODIAN, outbox.head.chain, ())
        outbox.send_left_out()
    waiting = outbox.next(_EVERYTHING, repeating=True)
    there = {envelope.sequence: envelope.id for envelope in waiting}
    for sequence, event in promises.stored.items():
        if there.get(sequence, event["id"]) != event["id"]:
            faults.append(f"number {sequence} is another record than was promised")
    keys = Keyring.from_pem(ExampleSigner().public_pem)
    report = Verifier(keys, whole=True, redelivery=True).feed_all(
        [*promises.taken.values(), *(item.body for item in waiting)]
    )
    return faults + [problem.message for problem in report.problems]
