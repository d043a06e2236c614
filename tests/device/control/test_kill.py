"""kill -9 at any instant: what was taken is in force, what was done is not done again."""

import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

from device.control import Journal, Reason, RefusedError, Shelf
from device.records import new_identifier
from tests.device.control.world import World

ROUNDS = 12


def killed_child(work: Callable[[Callable[[str], None]], None], *, seconds: float) -> list[str]:
    """Let a child work for `seconds` after the first thing it said; return all that it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        work_for_ever(work, writer)
    os.close(writer)
    said = os.read(reader, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(reader, 65536):
        said += part
    os.close(reader)
    return [line.strip() for line in said.decode().splitlines(keepends=True) if line.endswith("\n")]


def work_for_ever(work: Callable[[Callable[[str], None]], None], pipe: int) -> NoReturn:
    try:
        while True:
            work(lambda text: os.write(pipe, f"{text}\n".encode()) and None)
    finally:
        os._exit(1)


def test_a_configuration_that_was_taken_is_in_force(world: World) -> None:
    chance = random.Random(5)
    for _ in range(ROUNDS):
        world.version = Shelf(world.directory).read().highest

        def work(say: Callable[[str], None]) -> None:
            remote = world.remote()
            for number in range(10_000):
                world.give(remote, world.sign({"passages": {"repeat_seconds": number}}))
                say(f"{world.version} {number}")

        said = killed_child(work, seconds=chance.uniform(0, 0.1))
        version, number = map(int, said[-1].split())
        kept = Shelf(world.directory).read()
        assert kept.highest in {version, version + 1}, "the one that was said, or the next, which was on its way"
        effective = world.remote()._effective
        assert effective.passages.repeat_seconds == number + (kept.highest - version)


def test_a_request_that_was_taken_is_not_taken_again(world: World) -> None:
    chance = random.Random(6)
    path = world.directory / "journal.db"
    taken: list[str] = []
    for _ in range(ROUNDS):

        def work(say: Callable[[str], None]) -> None:
            journal = Journal(path)
            for _ in range(10_000):
                identifier = new_identifier()
                journal.take(identifier, "restart", at=datetime.now(UTC), most=10**9, within=1)
                say(identifier)

        taken += killed_child(work, seconds=chance.uniform(0, 0.05))
        journal = Journal(path)
        assert not journal.forgotten
        for identifier in taken:
            try:
                journal.take(identifier, "restart", at=datetime.now(UTC), most=10**9, within=1)
            except RefusedError as refusal:
                assert refusal.reason is Reason.REPLAYED  # noqa: PT017 - each of many
            else:
                raise AssertionError(identifier)
