"""The pytest plugin of `platepost[simulator]`: a simulated post and a real broker for a subscriber's own tests.

Found by pytest through its entry points; it imports nothing of the simulator before a fixture is asked for.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from simulator.testing import SimulatedPost, SimulatedSite
    from simulator.testing.played import Played


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SimulatedSite]":
    """Give a real mosquitto with mutual TLS on loopback: `address`, `identity(name)`, `post(name)`, `stop`, `start`.

    It is this test's own. An error says how to install mosquitto where it is missing; no root is needed.
    """
    from simulator.testing import SimulatedSite  # noqa: PLC0415 - not before it is needed

    with SimulatedSite(tmp_path_factory.mktemp("platepost")) as site:
        yield site


@pytest.fixture
def post(broker: "SimulatedSite") -> "SimulatedPost":
    """Give a running post called `post-1`: `passes("7ABC123", listed="stolen_vehicle")`, `misreads`, `ails`, ..."""
    return broker.post("post-1")


@pytest.fixture
def scenario(tmp_path: Path) -> "Callable[..., Played]":
    """Give a function that plays a scenario: `scenario("tamper")` has `passed`, `failures`, `records` and `key(post)`.

    The whole post is in it, camera and recogniser on drawn footage included: a quarter of a minute and more each.
    """

    def played(name: str, *, seed: int = 1) -> "Played":
        from simulator.testing.played import play  # noqa: PLC0415 - not before it is needed

        return play(name, tmp_path / "scenarios", seed=seed)

    return played
