"""Playing a scenario: the posts live through it, and what came of it is kept for the judges."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from device.post import Account, Post
from device.records import Source
from device.records.signing import Keyring
from device.records.verify.verify import Report, Verifier
from simulator.ground.subscriber import Arrival
from simulator.scenario.description import Scenario
from simulator.scenario.happening import Happenings
from simulator.scenario.stage import AGENCY, Stage
from simulator.scenario.stand import Recorded, Stand
from simulator.scenario.standins import standing_in
from simulator.scenario.world import Actor, World

SAMPLE_SECONDS = 0.1
ARRIVAL_SECONDS = 3.0
"""Real time that the last records may take from the broker to the record keeper."""


@dataclass(frozen=True, slots=True)
class PostCourse:
    """What one post did."""

    name: str
    recorded: tuple[Recorded, ...]
    """Every chained record that it made, in order."""
    accounts: tuple[Account, ...]
    """What each life of its software came to."""
    report: Report
    """Whether what arrived of it is whole and genuine, from its first record on."""
    board: tuple[tuple[float, str, str], ...]
    """Seconds since the start, line and value of each change of its board."""
    opened: int
    """How often its camera was opened."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How far things were at a real time."""

    real: float
    """`time.monotonic()`."""
    at: float
    """Simulated seconds since the start."""
    frames: int
    """Frames that cameras had shown."""


@dataclass(frozen=True, slots=True)
class Course:
    """What came of playing a scenario."""

    scenario: Scenario
    posts: tuple[PostCourse, ...]
    arrivals: tuple[tuple[int, Arrival], ...]
    """Every record that arrived, each with the number of the broker, from 0, that brought it first."""
    samples: tuple[Sample, ...]
    """A few a second of real time."""
    stage: Stage


@dataclass(slots=True)
class _Life:
    """A post's software through its lives."""

    stage: Stage
    stand: Stand
    ending: bool = False
    accounts: list[Account] = field(default_factory=list)

    def __call__(self, actor: Actor) -> None:
        configuration = self.stage.configuration(self.stand.name)
        while not self.ending:
            for proxy in self.stand.proxies:
                proxy.stall()
            self.stand.boot_due = True
            post = Post(configuration, rig=self.stand.rig())
            self.stand.post = post
            self.accounts.append(post.run())
            self.stand.post = None
            self.stand.look_at_board()
            away, self.stand.restart_after = self.stand.restart_after, None
            if away is None:
                return
            actor.sleep(away)


def play(
    scenario: Scenario,
    folder: Path,
    *,
    beside: Path | None = None,
    seed: int = 1,
    wall_clock: bool = False,
) -> Course:
    """Play a scenario in an empty folder.

    Args:
        scenario: what.
        folder: where everything is made.
        beside: the scenario file's folder, where clips of its own lie.
        seed: what chance depends on: the same seed gives the same records.
        wall_clock: in real time, for people to watch.

    Raises:
        ScenarioError: it cannot be played to its end.
        BrokerError: mosquitto is missing or did not start.

    """
    world = World(scenario.begins, wall_clock=wall_clock)
    samples: list[Sample] = []
    with Stage(scenario, world, folder=folder, beside=beside or folder, seed=seed) as stage:
        with standing_in(world, stage.stands):
            lives = [_Life(stage, stand) for stand in stage.stands.values()]
            try:
                _live(stage, world, lives, partial(_sample, stage, samples))
            finally:
                world.close()
        _await_arrivals(stage)
        return Course(
            scenario=scenario,
            posts=tuple(_course_of(stage, life) for life in lives),
            arrivals=tuple(stage.arrivals),
            samples=tuple(samples),
            stage=stage,
        )


def _live(stage: Stage, world: World, lives: list[_Life], passed: Callable[[float], object]) -> None:
    happenings = Happenings(stage)
    world.passed, world.rested, world.leaping = passed, happenings.let_in, happenings.before_leap
    for life in lives:
        world.enter(life.stand.name, life).turn()
        happenings.let_in()
    world.live(stage.scenario.events, until=stage.scenario.lasts, perform=happenings.perform)
    for actor, life in zip(world.actors, lives, strict=True):
        life.ending = True
        if life.stand.post is not None:
            life.stand.post.stop()
        actor.due = world.now
        world.finish(actor)


def _sample(stage: Stage, samples: list[Sample], now: float) -> None:
    real = time.monotonic()
    if samples and real - samples[-1].real < SAMPLE_SECONDS and now < stage.scenario.lasts:
        return
    samples.append(Sample(real, now, sum(stand.camera.shown for stand in stage.stands.values())))


def _await_arrivals(stage: Stage) -> None:
    made = {recorded.envelope.id for stand in stage.stands.values() for recorded in stand.recorded}
    end = time.monotonic() + ARRIVAL_SECONDS
    while stage.lacks(made) and time.monotonic() < end:
        time.sleep(0.01)


def _course_of(stage: Stage, life: _Life) -> PostCourse:
    stand = life.stand
    stand.look_at_board()
    source = Source(AGENCY, stand.name)
    verifier = Verifier(Keyring.from_files(stage.fleet.record_key(stand.name)), whole=True)
    report = verifier.feed_all(arrival.event for _, arrival in stage.arrivals if arrival.event["source"] == source.uri)
    return PostCourse(
        name=stand.name,
        recorded=tuple(stand.recorded),
        accounts=tuple(life.accounts),
        report=report,
        board=tuple((at, state.line, str(state.value)) for at, state in stand.lines),
        opened=stand.camera.opened,
    )
