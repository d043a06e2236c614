"""The pytest plugin of `platepost[simulator]`: a simulated post and a real broker for a subscriber's own tests.

Nothing but this file is imported before a test asks for one of its fixtures.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from platepost.simulator.testing import PlayedScenario, SimulatedPost, SimulatedSite

__all__ = ["platepost_broker", "platepost_post", "platepost_scenario"]


@pytest.fixture
def platepost_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SimulatedSite"]:
    """Give a real mosquitto with mutual TLS on loopback: `address`, `identity(name)`, `post(name)`, `stop`, `start`.

    It is this test's own. An error explains how to install mosquitto where it is missing; no root is needed.
    """
    from platepost.simulator.testing import SimulatedSite  # noqa: PLC0415 - only for tests that use it

    with SimulatedSite(tmp_path_factory.mktemp("platepost")) as site:
        yield site


@pytest.fixture
def platepost_post(platepost_broker: "SimulatedSite") -> "SimulatedPost":
    """Give a running post called `post-1`: `passes("7ABC123", listed="stolen_vehicle")`, `misreads`, `degrades`, ..."""
    return platepost_broker.post("post-1")


@pytest.fixture
def platepost_scenario(tmp_path: Path) -> Callable[..., "PlayedScenario"]:
    """Give a function that plays a scenario: `platepost_scenario("tamper")` has `passed`, `records` and `key(post)`.

    It runs the whole post, camera and recognizer on drawn footage included: a quarter of a minute and more each.
    """
    from platepost.simulator.testing import play_scenario  # noqa: PLC0415 - only for tests that use it

    def play(name: str, *, seed: int = 1) -> "PlayedScenario":
        return play_scenario(name, tmp_path / "scenarios", seed=seed)

    return play
