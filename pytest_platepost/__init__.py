"""The pytest plugin of `platepost[simulator]`: a simulated post and a real broker for a subscriber's own tests.

The posts run in an interpreter of their own, which does not see the project under test: it may have a `device.py` or a
`models` of its own. Nothing of Platepost but this package is imported into the tests' interpreter.
"""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_platepost.interpreter import BrokerHandle, Interpreter, PlatepostTestError, PlayedScenario, PostHandle

__all__ = ["BrokerHandle", "PlatepostTestError", "PlayedScenario", "PostHandle"]


@pytest.fixture(scope="session")
def platepost_interpreter() -> Iterator[Interpreter]:
    """Give the interpreter in which the posts of all tests run."""
    with Interpreter() as interpreter:
        yield interpreter


@pytest.fixture
def platepost_broker(
    platepost_interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerHandle]:
    """Give a real mosquitto with mutual TLS on loopback: `address`, `identity(name)`, `post(name)`, `stop`, `start`.

    It is this test's own. An error says how to install mosquitto where it is missing; no root is needed.
    """
    with platepost_interpreter.broker(tmp_path_factory.mktemp("platepost")) as broker:
        yield broker


@pytest.fixture
def platepost_post(platepost_broker: BrokerHandle) -> PostHandle:
    """Give a running post called `post-1`: `passes("7ABC123", listed="stolen_vehicle")`, `misreads`, `degrades`, ..."""
    return platepost_broker.post("post-1")


@pytest.fixture
def platepost_scenario(platepost_interpreter: Interpreter, tmp_path: Path) -> Callable[..., PlayedScenario]:
    """Give a function that plays a scenario: `platepost_scenario("tamper")` has `passed`, `records` and `key(post)`.

    The whole post is in it, camera and recognizer on drawn footage included: a quarter of a minute and more each.
    """

    def played(name: str, *, seed: int = 1) -> PlayedScenario:
        return platepost_interpreter.play(name, tmp_path / "scenarios", seed=seed)

    return played


def _warn(name: str) -> None:
    message = f"the fixture {name!r} is called 'platepost_{name}'; the short name goes with version 0.2"
    warnings.warn(message, DeprecationWarning, stacklevel=2)


@pytest.fixture
def broker(platepost_broker: BrokerHandle) -> BrokerHandle:
    """Give `platepost_broker`, by the name that it had; deprecated."""
    _warn("broker")
    return platepost_broker


@pytest.fixture
def post(platepost_post: PostHandle) -> PostHandle:
    """Give `platepost_post`, by the name that it had; deprecated."""
    _warn("post")
    return platepost_post


@pytest.fixture
def scenario(platepost_scenario: Callable[..., PlayedScenario]) -> Callable[..., PlayedScenario]:
    """Give `platepost_scenario`, by the name that it had; deprecated."""
    _warn("scenario")
    return platepost_scenario
