"""Where a fleet is tried: identities, a real broker, a record keeper, a custodian, and processes full of posts."""

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from platepost.common.signals import KILLED_SECONDS, check, current, sleep
from platepost.device.uplink.settings import UplinkTiming
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.daemon import Daemon
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.department import ThrowawayDepartment
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.processes import await_answer, shielded
from tests.campaigns.fleet.collector import collect
from tests.campaigns.fleet.post import CUSTODIAN
from tests.campaigns.fleet.worker import Count, RecordedChain, SoftwareHistory, WorkerSettings, work
from tests.campaigns.keeper_process import KeeperProcess, forks
from tests.rabbitmq import RabbitCluster

_TICKS = os.sysconf("SC_CLK_TCK")


AGENCY = "fleet"
KEEPER = "keeper"
"""Made up at the start; any of them passes a post next."""
BrokerName = Literal["mosquitto", "rabbitmq"]
ANSWER_SECONDS = 600.0
"""For a process of posts to answer, on a machine too busy for them."""
RIGHTS_SECONDS = 300.0
"""For a broker to take the rights of thousands: a node of RabbitMQ serves clients before it has."""
WORKERS = 2
"""Processes that drive the posts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one or more processes together."""

    memory: int
    """Resident bytes; what processes share counts in each."""
    cpu: float
    """Seconds of processor since they began."""


def usage_of(*pids: int | None) -> Usage:
    """Return what processes use; one that has ended, or is not running, counts nothing."""
    memory, cpu = 0, 0.0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        resident = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
        memory += int(resident.split()[1]) * 1024
        cpu += (int(fields[11]) + int(fields[12])) / _TICKS
    return Usage(memory, cpu)


class FleetSite(Site[Broker | RabbitCluster]):
    """Everything but the course of events; as a context manager, running while it is open."""

    def __init__(
        self,
        directory: Path,
        *,
        posts: int,
        broker: BrokerName,
        seed: int,
        uplink: dict[str, float],
        timing: UplinkTiming,
        progress: Callable[[str, int, int], None],
        **posts_like: Any,
    ) -> None:
        """Make identities for all; nothing runs yet.

        Args:
            directory: where all of it lies.
            posts: how many.
            broker: which.
            seed: of what is drawn.
            uplink: keys of `uplink` that are to differ from a post's own.
            timing: timing that is not configured.
            progress: told what is being done, how far it is, and of how much.
            posts_like: more of the workers' settings.

        """
        fleet = _identities(directory, posts, progress)
        make = Broker if broker == "mosquitto" else RabbitCluster
        super().__init__(directory, fleet, make(fleet, directory / "broker"))
        self.posts = fleet.posts()
        self.archive = self.directory / "archive.jsonl"
        self.broker_name = broker
        self._seed, self._uplink = seed, uplink
        self._timing = timing
        self._progress = progress
        self._posts_like = posts_like
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[tuple[BaseProcess, Pipe]] = []

    def _make(self) -> None:
        self._progress("starting the broker", 0, 0)
        super()._make()
        self._await_rights()
        self._collector = self._start(
            collect, self.fleet.subscriber(KEEPER), AGENCY, self.broker.addresses, self.archive
        )
        if not await_answer(self._collector[1], ANSWER_SECONDS) or not self._collector[1].recv():
            raise CampaignError(f"the archive service could not subscribe; see {self.archive.with_suffix('.log')}")
        self._custodian = self._start_custodian()
        for number in range(WORKERS):
            settings = WorkerSettings(
                posts=tuple(self.fleet.post(name) for name in self.posts[number::WORKERS]),
                agency=AGENCY,
                brokers=self.broker.addresses,
                vehicles_seed=self._seed,
                seed=self._seed + number,
                uplink=self._uplink,
                timing=self._timing,
                parts=self.directory / "parts",
                **self._posts_like,
            )
            self._workers.append(self._start(work, settings, log=self.directory / f"worker-{number}.log"))

    # --- orders

    def order(self, name: str, value: float = 0.0) -> None:
        """Give all workers an order that is not answered."""
        for _, pipe in self._workers:
            pipe.send((name, value))

    def count(self) -> Count:
        """Return how all posts are."""
        total = Count()
        counts: list[Count] = self._ask("count")
        total.newest = max(count.newest for count in counts)
        for count in counts:
            for field in Count.__dataclass_fields__:
                if field not in {"newest", "version"}:
                    setattr(total, field, getattr(total, field) + getattr(count, field))
            total.version += count.version if count.newest == total.newest else 0
        return total

    def chains(self) -> list[RecordedChain]:
        """Return what every post recorded."""
        answers: list[list[RecordedChain]] = self._ask("chain")
        return [chain for answer in answers for chain in answer]

    def software(self) -> list[SoftwareHistory]:
        """Return which software every post ran."""
        answers: list[list[SoftwareHistory]] = self._ask("software")
        return [history for answer in answers for history in answer]

    def ask_keeper(self, name: str, *asked: object) -> Any:
        """Ask the record keeper."""
        _, pipe = self._collector
        pipe.send((name, *asked))
        if not await_answer(pipe, ANSWER_SECONDS):
            raise CampaignError(f"the archive service does not respond; see {self.archive.with_suffix('.log')}")
        return pipe.recv()

    def usage(self) -> dict[str, Usage]:
        """Return what broker, posts and record keeper use of the machine."""
        nodes: tuple[Daemon, ...] = (self.broker,) if isinstance(self.broker, Daemon) else self.broker.nodes
        return {
            "broker": usage_of(*(node.pid for node in nodes)),
            "posts": usage_of(*(process.pid for process, _ in self._workers)),
            "keeper": usage_of(self._collector[0].pid, self._custodian.pid),
        }

    def _ask(self, name: str) -> list[Any]:
        self.order(name)
        answers = []
        for process, pipe in self._workers:
            if not await_answer(pipe, ANSWER_SECONDS):
                state = "does not answer" if process.is_alive() else f"ended with exit code {process.exitcode}"
                raise CampaignError(f"a process of posts {state}; see its log in {self.directory}")
            answers.append(pipe.recv())
        return answers

    # --- making

    def _start_custodian(self) -> KeeperProcess | ThrowawayDepartment:
        custodian = KeeperProcess(
            self.fleet,
            CUSTODIAN,
            # One session at one node: in a cluster a second connection of its name would end the first.
            broker=self.broker.addresses[0],
            folder=self.directory / "kept",
            context=forks(),
        )
        self._stack.callback(custodian.stop)
        custodian.start()
        custodian.wait_until_ready()
        return custodian

    def _await_rights(self) -> None:
        deadline = time.monotonic() + RIGHTS_SECONDS
        for node in self.broker.addresses:
            while True:
                try:
                    with Connection(self.fleet.publisher, broker=node):
                        break
                except ProvisioningError:
                    if time.monotonic() > deadline:
                        raise
                    sleep(1.0)

    def _start(self, run: Callable[..., None], *given: object, log: Path | None = None) -> tuple[BaseProcess, Pipe]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=run, args=(*given, theirs, *([log] if log else [])), daemon=True)
        check()
        with shielded():
            process.start()
        theirs.close()
        self._stack.callback(_end, process, ours)
        return process, ours


def _identities(directory: Path, posts: int, progress: Callable[[str, int, int], None]) -> Fleet:
    fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=(KEEPER,), custodian=CUSTODIAN)
    for number in range(posts):
        fleet.add_post(f"post-{number + 1:05d}", PostSettings(brokers=("localhost:8883",), camera="none"))
        progress("making identities", number + 1, posts)
        check()
    return fleet


def _end(process: BaseProcess, pipe: Pipe) -> None:
    try:
        pipe.send(("stop", 0.0))
        while pipe.poll(current().limit(20.0)) and pipe.recv() is not None:
            pass
    except (OSError, EOFError):
        pass  # it has ended already
    process.join(current().limit(5.0))
    if process.is_alive():
        process.kill()
        process.join(KILLED_SECONDS)
    pipe.close()
