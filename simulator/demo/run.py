"""The course of a demonstration: make all that stands around a post, let it do its work, judge what came of it."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from platepost.common.signals import sleep
from platepost.device.camera.footage.recordings import open_recording
from platepost.device.config import load
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.demo.hot_list import BuiltList, build_hot_list
from platepost.simulator.demo.outcome import DemoCustody, DemoOutcome, Verification, judge
from platepost.simulator.demo.post_process import PostProcess
from platepost.simulator.errors import DemoError
from platepost.simulator.ground.console import DepartmentConsole
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder
from platepost.simulator.ground.late_receipts import take_late_receipts
from platepost.simulator.ground.run_folder import claim_folder
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import TYPES, Source, Status
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Problem, Verifier

AGENCY = "demo"
POST = "post-1"
SUBSCRIBER = "dispatch"
CUSTODIAN = "records"
TICK_SECONDS = 0.1
GRACE_SECONDS = 90.0
"""What a post may take beyond its footage: to start, and to deliver what waits after an outage."""
FAREWELL_SECONDS = 20.0
"""What the last record may take to the subscriber after the post has ended."""


def verify_archive(archive: Path, key: Path, source: Source, *, farewell: bool) -> Verification:
    """Verify every signature, picture and link of the chain from its first record on.

    Args:
        archive: JSON lines, one record a line.
        key: PEM of the post's public key.
        source: the post that all records must be of.
        farewell: whether the post's last record has arrived; without it, none can say what is missing behind the end.

    """
    verifier = Verifier(Keyring.from_files(key), whole=True, source=source.uri)
    with archive.open("rb") as lines:
        report = verifier.feed_all(lines)
    problems = [_name(problem) for problem in report.problems]
    if len(report.chains) != 1:
        problems.append(f"{len(report.chains)} chains of records where there should be one")
    problems += [f"{chain.dropped} reads were dropped by the post" for chain in report.chains if chain.dropped]
    if not farewell:
        problems.append("the post's farewell has not arrived: records are missing at the end")
    return Verification(records=report.fed, chained=report.chained, problems=tuple(problems))


def said_farewell(arrivals: Sequence[Arrival]) -> bool:
    """Say whether the post's last record has arrived: a chained status `offline`, so that none is missing behind it."""
    return any(
        arrival.kind == TYPES[Status] and arrival.data.get("state") == "offline" and "sequence" in arrival.event
        for arrival in arrivals
    )


def _name(problem: Problem) -> str:
    if problem.kind == "missing":
        return problem.message
    where = f"record {problem.sequence}" if problem.sequence is not None else f"line {problem.line} of the archive"
    return f"{where} is {problem.kind}: {problem.message}"


class Observer:
    """Follows a demonstration; every method may be overridden, none must."""

    def begins(self, site: Site[Broker], hot_list: BuiltList, *, frames: int) -> None:
        """Hear that the post starts next, on footage of `frames` frames, 0 if unknown."""

    def arrived(self, arrival: Arrival) -> None:
        """Hear of a record that arrived; called in the subscriber's thread."""

    def poll(self, site: Site[Broker]) -> None:
        """Let time pass: called about ten times a second while the post runs."""

    def ended(self) -> None:
        """Hear that the post has ended, and that its last record has arrived or is given up."""


def run_demo(
    directory: Path,
    clip: DemoClip,
    *,
    observers: Sequence[Observer],
    on_console: Callable[[DepartmentConsole], object] | None = None,
) -> DemoOutcome:
    """Run a demonstration in a folder, and return what came of it.

    Args:
        directory: which; emptied if a former demonstration made it.
        clip: what the post sees.
        observers: who follows it.
        on_console: called with the department's console, which is served then, before the post starts.

    Raises:
        DemoError: the folder holds something else, the post failed, or it did not end in time.
        BrokerError: mosquitto is missing or did not start.
        SimulatorError: PostgreSQL is missing, or the department cannot be made.
        CameraError: the clip cannot be played.

    """
    recording = open_recording(clip.footage)
    frames = recording.count()
    limit = frames * recording.frame_seconds() + GRACE_SECONDS
    directory = directory.absolute()
    with ExitStack() as stack:
        stack.enter_context(
            claim_folder(directory, marker=".platepost-demo", owner="a demonstration's", error=DemoError)
        )
        fleet = throwaway_fleet(directory / "fleet", agency=AGENCY, subscribers=(SUBSCRIBER,), custodian=CUSTODIAN)
        site = stack.enter_context(Site(directory, fleet, Broker(fleet, directory / "broker")))
        folder = site.add_post(
            POST,
            site="Demonstration street",
            camera="footage",
            camera_settings={"path": str(clip.footage), "pace": "realtime"},
            board="virtual",
            more={"records": {"health_seconds": 1.0, "read_overview": True}},
        )
        hot_list = build_hot_list(clip, fleet)
        archive = directory / "records.jsonl"
        department = ThrowawayDepartment(
            stack.enter_context(department_folder()),
            fleet,
            CUSTODIAN,
            brokers=[site.broker.address],
            log=directory / "keeper.log",
        )
        department.initialize()
        stack.enter_context(department)
        if on_console is not None:
            on_console(stack.enter_context(DepartmentConsole(department.folder, directory / "pages.log")))
        subscriber = site.keep(SUBSCRIBER, archive)
        site.publish(hot_list.package)
        subscriber.listeners.extend(observer.arrived for observer in observers)
        for observer in observers:
            observer.begins(site, hot_list, frames=frames)
        deadline = time.monotonic() + limit
        with PostProcess(folder / "post.toml", log=directory / "post.log") as post:
            while post.running:
                if time.monotonic() > deadline:
                    raise DemoError(f"the post has not ended after {limit:.0f} s:\n{post.log_tail()}")
                for observer in observers:
                    observer.poll(site)
                sleep(TICK_SECONDS)
            account = post.account()
        farewell = subscriber.wait_for(said_farewell, timeout=FAREWELL_SECONDS)
        for observer in observers:
            observer.ended()
        arrivals = subscriber.arrivals
        unreleased = take_late_receipts(load(folder / "post.toml"))
        department.stop()
        found = department.account(POST)
    source = Source(AGENCY, POST)
    verification = verify_archive(archive, fleet.record_key(POST), source, farewell=farewell)
    custody = DemoCustody(
        kept=found.proved + found.odd,
        proved=found.proved,
        receipted=found.receipted,
        odd=found.odd,
        released=verification.chained - unreleased,
    )
    return judge(arrivals, clip, account=account, verification=verification, custody=custody)
