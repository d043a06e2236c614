"""kill -9 at any instant: what was taken is in force, what was done is not done again."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from platepost.device.control import ConfigurationStore, RefusedError, Rejection, ReplayGuard
from platepost.wire.records import new_identifier
from tests.device.control.world import World
from tests.device.killed import killed_child

ROUNDS = 12


def test_a_configuration_that_was_taken_is_in_force(world: World) -> None:
    chance = random.Random(5)
    for _ in range(ROUNDS):
        world.version = ConfigurationStore(world.directory).read().highest

        def work(say: Callable[[str], None]) -> None:
            remote = world.remote()
            for number in range(10_000):
                world.give(remote, world.sign({"passages": {"repeat_seconds": number}}))
                say(f"{world.version} {number}")

        said = killed_child(work, seconds=chance.uniform(0, 0.1))
        version, number = map(int, said[-1].split())
        kept = ConfigurationStore(world.directory).read()
        assert kept.highest in {version, version + 1}, "the one that was said, or the next, which was on its way"
        effective = world.remote().effective
        assert effective.passages.repeat_seconds == number + (kept.highest - version)


def test_a_request_that_was_taken_is_not_taken_again(world: World) -> None:
    chance = random.Random(6)
    path = world.directory / "journal.db"
    taken: list[str] = []
    for _ in range(ROUNDS):

        def work(say: Callable[[str], None]) -> None:
            guard = ReplayGuard(path)
            for _ in range(10_000):
                identifier = new_identifier()
                guard.take(identifier, "restart", at=datetime.now(UTC), most=10**9, within=1)
                say(identifier)

        taken += killed_child(work, seconds=chance.uniform(0, 0.05))
        guard = ReplayGuard(path)
        assert not guard.forgotten
        for identifier in taken:
            try:
                guard.take(identifier, "restart", at=datetime.now(UTC), most=10**9, within=1)
            except RefusedError as refusal:
                assert refusal.reason is Rejection.REPLAYED  # noqa: PT017 - each of many
            else:
                raise AssertionError(identifier)


def test_a_journal_that_is_a_link_is_put_aside(world: World, tmp_path: Path) -> None:
    """During an acceptance it is root who opens it, in a folder in which the post's user could lay what he liked."""
    nologin = tmp_path / "nologin"
    path = world.directory / "journal.db"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(nologin)
    guard = ReplayGuard(path)
    assert guard.forgotten
    guard.take(new_identifier(), "restart", at=datetime.now(UTC), most=1, within=1)
    assert not nologin.exists()
