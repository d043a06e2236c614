"""Playing a scenario: the posts live through it, and what came of it is kept for the judges."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from platepost.common.signals import sleep
from platepost.device.post import Account, Post
from platepost.simulator.ground.late_receipts import take_late_receipts
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.scenario.course import Course, PostCourse, Sample
from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.event_runner import EventRunner
from platepost.simulator.scenario.harness import Harness
from platepost.simulator.scenario.scheduler import Scheduler, SimulatedThread
from platepost.simulator.scenario.site import AGENCY, ScenarioSite
from platepost.wire.records import Source
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Verifier

SAMPLE_SECONDS = 0.1
RECEIPT_SECONDS = 5.0
"""Real time that the last receipts may take."""
ARRIVAL_SECONDS = 3.0
"""Real time that the last records may take from the broker to the record keeper."""


@dataclass(slots=True)
class _Life:
    """A post's software through its lives."""

    site: ScenarioSite
    harness: Harness
    ending: bool = False
    accounts: list[Account] = field(default_factory=list)

    def __call__(self, thread: SimulatedThread) -> None:
        configuration = self.site.configuration(self.harness.name)
        while not self.ending:
            for proxy in self.harness.proxies:
                proxy.stall()
            self.harness.boot_due = True
            post = Post(configuration, rig=self.harness.rig())
            self.harness.post = post
            self.accounts.append(post.run())
            self.harness.post = None
            self.harness.look_at_board()
            away, self.harness.restart_after = self.harness.restart_after, None
            if away is None:
                return
            thread.sleep(away)


def play(
    scenario: Scenario,
    folder: Path,
    *,
    scenario_folder: Path | None = None,
    seed: int = 1,
    wall_clock: bool = False,
) -> Course:
    """Play a scenario in an empty folder.

    Args:
        scenario: what.
        folder: where everything is made.
        scenario_folder: the scenario file's folder, where clips of its own lie.
        seed: what chance depends on: the same seed gives the same records.
        wall_clock: in real time, for people to watch.

    Raises:
        ScenarioError: it cannot be played to its end.
        BrokerError: mosquitto is missing or did not start.

    """
    scheduler = Scheduler(scenario.begins, wall_clock=wall_clock)
    samples: list[Sample] = []
    with ScenarioSite(scenario, scheduler, folder=folder, scenario_folder=scenario_folder or folder, seed=seed) as site:
        lives = [_Life(site, harness) for harness in site.harnesses.values()]
        try:
            _live(site, scheduler, lives, partial(_sample, site, samples))
        finally:
            scheduler.close()
        _await_arrivals(site)
        arrivals = tuple(site.arrivals)
        left = {life.harness.name: _unreleased(site, life.harness) for life in lives}
        for custodian in site.custodians:
            custodian.stop()
        return Course(
            begins=scenario.begins,
            lasts=scenario.lasts,
            posts=tuple(_course_of(site, life, arrivals, left[life.harness.name]) for life in lives),
            arrivals=arrivals,
            samples=tuple(samples),
            decisions=tuple(site.decisions),
        )


def _live(site: ScenarioSite, scheduler: Scheduler, lives: list[_Life], passed: Callable[[float], object]) -> None:
    runner = EventRunner(site)
    scheduler.on_time_passed = passed
    scheduler.on_thread_rested = runner.let_in
    scheduler.before_leap = runner.before_leap
    for life in lives:
        scheduler.add_thread(life.harness.name, life).run_until_it_sleeps()
        runner.let_in()
    scheduler.run(site.scenario.events, until=site.scenario.lasts, perform=runner.perform)
    for thread, life in zip(scheduler.threads, lives, strict=True):
        life.ending = True
        if life.harness.post is not None:
            life.harness.post.stop()
        thread.due = scheduler.now
        scheduler.finish(thread)


def _sample(site: ScenarioSite, samples: list[Sample], now: float) -> None:
    real = time.monotonic()
    if samples and real - samples[-1].real < SAMPLE_SECONDS and now < site.scenario.lasts:
        return
    samples.append(Sample(real, now, sum(harness.camera.shown for harness in site.harnesses.values())))


def _await_arrivals(site: ScenarioSite) -> None:
    recorded_ids = {recorded.envelope.id for harness in site.harnesses.values() for recorded in harness.made}
    end = time.monotonic() + ARRIVAL_SECONDS
    while site.missing(recorded_ids) and time.monotonic() < end:
        sleep(0.01)


def _unreleased(site: ScenarioSite, harness: Harness) -> int | None:
    """Return how many records are left on a post that has ended; None if it, or a custodian, cannot be reached."""
    at_work = all(custodian.running for custodian in site.custodians)
    if not harness.network or not at_work or not any(broker.running for broker in site.brokers):
        return None
    return take_late_receipts(site.configuration(harness.name), timeout=RECEIPT_SECONDS)


def _course_of(
    site: ScenarioSite, life: _Life, arrivals: Sequence[tuple[int, Arrival]], unreleased: int | None
) -> PostCourse:
    harness = life.harness
    harness.look_at_board()
    source = Source(AGENCY, harness.name)
    verifier = Verifier(Keyring.from_files(site.fleet.record_key(harness.name)), whole=True)
    report = verifier.feed_all(arrival.event for _, arrival in arrivals if arrival.event["source"] == source.uri)
    return PostCourse(
        name=harness.name,
        traffic=harness.camera.traffic,
        offsets=tuple(harness.offsets),
        made=tuple(harness.made),
        frames=sum(account.frames for account in life.accounts),
        report=report,
        board=tuple((at, state.line, str(state.value)) for at, state in harness.lines),
        opened=harness.camera.opened,
        unreleased=unreleased,
        custody=tuple(custodian.account(harness.name) for custodian in site.custodians),
    )
