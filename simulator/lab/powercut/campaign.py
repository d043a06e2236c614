"""The campaign: cuts by lot over several starts of an outbox, each opened, judged and gone on with."""

import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platepost.common.errors import OutboxError
from platepost.common.signals import check
from platepost.device.outbox.outbox import Outbox
from platepost.simulator import processes
from platepost.simulator.errors import SimulatorError
from platepost.simulator.lab.powercut.disk import Disk, Operation, marks, read_log
from platepost.simulator.lab.powercut.workload import CUSTODIAN, KEY, PROMISES, QUOTA_BYTES, REQUIREMENTS, SOURCE
from platepost.wire.contract.examples import CLOCK, ExampleSigner, example_audit
from platepost.wire.records import Keyring, Recorder
from platepost.wire.verify.verify import Verifier

CUTS_A_START = 50
STEPS_A_START = 150
"""Steps of the workload between two starts."""
STARTS_A_DISK = 3
"""Starts from one disk to the next empty one: enough to fill the quota and to move the log into the database."""
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


@dataclass(slots=True)
class PowerCutResult:
    """What a campaign came to."""

    cuts: int = 0
    starts: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    """How many of each kind were done to the disk, as `disklog.c` names them."""
    promised: int = 0
    """Records that were promised at the cuts, all cuts together."""
    faults: list[str] = field(default_factory=list)
    """What was lost or broken, each with the seed that shows it again."""


def run(*, cuts: int, seed: int, progress: Callable[[int], object] = lambda _: None) -> PowerCutResult:
    """Cut the power `cuts` times; `progress` is called with the number of cuts done.

    Raises:
        SimulatorError: there is no C compiler, or the workload fails by itself.

    """
    outcome = PowerCutResult()
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="platepost-powercut-") as name:
        folder = Path(name)
        library = build(folder)
        before, promises = folder, Promises()
        while outcome.cuts < cuts:
            if outcome.starts % STARTS_A_DISK == 0:
                before, promises = folder / f"before-{outcome.starts}", Promises()
                before.mkdir()
            outcome.starts += 1
            operations = _work(folder, before, library, seed=chance.getrandbits(32))
            outcome.operations = dict(Counter(outcome.operations) + Counter(operation.kind for operation in operations))
            count = min(CUTS_A_START, cuts - outcome.cuts)
            before, promises = _cut_and_judge(
                folder,
                before=before,
                operations=operations,
                promises=promises,
                count=count,
                chance=chance,
                outcome=outcome,
                progress=progress,
            )
    return outcome


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


def _work(folder: Path, before: Path, library: Path, *, seed: int) -> list[Operation]:
    root, log = folder / "root", folder / "log"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(before, root)
    log.unlink(missing_ok=True)
    module = "platepost.simulator.lab.powercut.workload"
    log_of(root, library, log, [sys.executable, "-P", "-m", module, str(root), str(seed), str(STEPS_A_START)])
    return read_log(log)


def _cut_and_judge(
    folder: Path,
    *,
    before: Path,
    operations: list[Operation],
    promises: Promises,
    count: int,
    chance: random.Random,
    outcome: PowerCutResult,
    progress: Callable[[int], object],
) -> tuple[Path, Promises]:
    """Cut at `count` instants; return the folder and the promises of one of them, to go on from."""
    disk, promised = Disk(before), dict(marks(operations, PROMISES))
    instants = sorted(chance.randint(0, len(operations)) for _ in range(count))
    go_on = chance.randrange(count)
    following = folder / f"after-{outcome.starts}"
    kept = promises
    done = 0
    for number, instant in enumerate(instants):
        check()
        for place in range(done, instant):
            disk.do(operations[place])
            if place in promised:
                promises.add(promised[place])
        done = instant
        cut = random.Random(f"{outcome.starts} {number} {chance.getrandbits(32)}")
        after = folder / "after"
        shutil.rmtree(after, ignore_errors=True)
        after.mkdir()
        disk.cut(cut, after)
        (after / PROMISES).unlink(missing_ok=True)
        if number == go_on:
            shutil.copytree(after, following)
            kept = promises.copy()
        where = f"start {outcome.starts}, cut before operation {instant} of {len(operations)}"
        outcome.faults += [f"{where}: {fault}" for fault in judge(after, promises)]
        outcome.cuts += 1
        outcome.promised += len(promises.stored)
        progress(outcome.cuts)
    return following, kept


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
