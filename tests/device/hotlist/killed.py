"""A post that is killed while it installs: the process that dies, and what is asked of the store afterwards."""

import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.hotlist import HotList, HotListStore
from tests.device.hotlist.department import Department

CANDIDATES = tuple(f"K{number:04d}" for number in range(400))


@dataclass(frozen=True)
class Version:
    """One package and the plates that the list has after it."""

    package: bytes
    plates: frozenset[str]


@dataclass
class Outcome:
    """What the killings hit."""

    rounds: int = 0
    old: int = 0
    new: int = 0
    half_written: int = 0
    begun: int = 0
    faults: list[str] = field(default_factory=list)


def versions(department: Department, count: int, seed: int) -> list[Version]:
    """Build a history: complete lists, and after each some deltas that add and remove."""
    draw = random.Random(seed)
    built: list[Version] = []
    complete = b""
    for number in range(1, count + 1):
        before = built[-1].plates if built else frozenset[str]()
        plates = frozenset(draw.sample(CANDIDATES, draw.randrange(180, 220)))
        if number % 4 == 1:
            complete = department.package(rows(plates), version=number)
            built.append(Version(complete, plates))
            continue
        come, go = sorted(plates - before)[:20], sorted(before - plates)[:20]
        delta = department.delta(complete, base=built[-1].package, version=number, add=rows(come), remove=rows(go))
        built.append(Version(delta, (before | set(come)) - set(go)))
    return built


def rows(plates: Sequence[str] | frozenset[str]) -> list[HotListRow]:
    return [HotListRow(plate, "stolen_vehicle", 2, "CA") for plate in sorted(plates)]


def install_for_ever(keys: dict[str, bytes], directory: Path, history: Sequence[bytes], said: Connection) -> None:
    """Start as a post does, then install what follows, saying before and after each installation what it is."""
    store = HotListStore(directory, agency="demo", **keys)
    store.load()
    begin = store.current.version if store.current else 0
    for version, package in enumerate(history, start=1):
        if version <= begin:
            continue
        said.send(version)
        store.install(package, at=Department.built)
        said.send(-version)
    said.send(0)
    time.sleep(600)


def kill_again_and_again(department: Department, directory: Path, *, rounds: int, seed: int) -> Outcome:
    """Kill a child `rounds` times at random instants of its installations, and look each time at what is left."""
    draw = random.Random(seed)
    history = versions(department, 12, seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "tests.device.hotlist.killed"])
    keys = {"issuer_key": department.issuer_key, "unseal_key": department.unseal_key}
    outcome = Outcome()
    folders = (directory / str(number) for number in cycle(range(rounds)))
    folder, done = next(folders), 0
    while outcome.rounds < rounds:
        heard, said = context.Pipe(duplex=False)
        child = context.Process(
            target=install_for_ever, args=(keys, folder, [one.package for one in history], said), daemon=True
        )
        child.start()
        said.close()
        started, done = _follow(heard, draw, done)
        child.kill()
        child.join()
        for message in _rest(heard):
            started, done = (message, done) if message > 0 else (started, -message or done)
        child.close()
        heard.close()
        _judge(department, folder, history, (started, done), outcome)
        outcome.rounds += 1
        done = _version(department.store(folder).load())
        if done == len(history):
            folder, done = next(folders), 0
    return outcome


def _follow(heard: Connection, draw: random.Random, done: int) -> tuple[int, int]:
    """Follow a child to a random instant of a random one of its installations, however fast the machine is.

    Returns what it began last and what it finished last.
    """
    started, took = heard.recv(), 0.005
    for _ in range(draw.randrange(4)):
        begin = time.perf_counter()
        message = heard.recv() if started else 0
        if message == 0:
            break
        if message < 0:
            done, took = -message, time.perf_counter() - begin
        else:
            started = message
    time.sleep(draw.uniform(0, 1.2 * took))
    return started, done


def _rest(heard: Connection) -> Iterator[int]:
    """Yield what a child had still said before it died."""
    while heard.poll():
        try:
            yield heard.recv()
        except EOFError:
            return


def _judge(
    department: Department, folder: Path, history: Sequence[Version], begun: tuple[int, int], outcome: Outcome
) -> None:
    started, done = begun
    outcome.half_written += any(folder.glob("*.part"))
    store = department.store(folder)
    hotlist = store.load()
    version = _version(hotlist)
    where = f"round {outcome.rounds}: version {version} after {done} was done and {started} begun"
    if version not in {done, started}:
        outcome.faults.append(where)
    if store.damaged or any(folder.glob("*.part")):
        outcome.faults.append(f"{where}: {store.damaged} or something half written is left")
    if hotlist is not None:
        found = {plate for plate in CANDIDATES if hotlist.match(plate, at=Department.built)}
        if found != history[version - 1].plates:
            outcome.faults.append(f"{where}: not its plates")
    outcome.begun += started not in {0, done}
    outcome.old += version == done
    outcome.new += version == started != done


def _version(hotlist: HotList | None) -> int:
    return hotlist.version if hotlist else 0
