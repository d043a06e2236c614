from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from platepost.simulator.errors import NoGraphicsError
from platepost.simulator.scene.pinhole import Pinhole


@pytest.fixture(scope="session")
def lens() -> Pinhole:
    return Pinhole(320, 180, focal=1150, mount=2.95, pitch=8.1, roll=0.4)


@pytest.fixture(scope="session")
def laid() -> Callable[..., Any]:
    """Lay a street: once for all scenes that lie in the same, for it takes seconds."""
    pytest.importorskip("moderngl", reason="moderngl is missing: .venv/bin/pip install -e '.[scene]'")
    from platepost.simulator.scene.canvas import Canvas  # noqa: PLC0415
    from platepost.simulator.scene.road import lay_street  # noqa: PLC0415

    try:
        Canvas(Pinhole(64, 64, focal=64, mount=2), seed=0).close()
    except NoGraphicsError as error:
        pytest.skip(str(error))
    return cache(lay_street)


@pytest.fixture(scope="session")
def drawn(laid: Callable[..., Any]) -> Callable[..., Any]:
    """Draw a vehicle: once for all scenes that it passes in, for it takes a second or two."""
    from platepost.simulator.scene.traffic import vehicle_of  # noqa: PLC0415

    made: dict[Any, Any] = {}

    def draw(scene: Any, index: int) -> Any:
        passing = scene.moving[index]
        key = (passing, (scene.clip.seed, index) if passing.seed is None else None, scene.weather.lamps)
        if key not in made:
            made[key] = vehicle_of(scene, index)
        return made[key]

    return draw


@pytest.fixture
def graphics(laid: Callable[..., Any], drawn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip, and say why, where no OpenGL context can be made: the shipped clips are tested all the same."""
    monkeypatch.setattr("platepost.simulator.scene.renderer.lay_street", laid)
    monkeypatch.setattr("platepost.simulator.scene.renderer.vehicle_of", drawn)
