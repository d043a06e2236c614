import pytest

from simulator.scene.errors import NoGraphicsError
from simulator.scene.pinhole import Pinhole


@pytest.fixture(scope="session")
def lens() -> Pinhole:
    return Pinhole(320, 180, focal=1150, mount=2.95, pitch=8.1, roll=0.4)


@pytest.fixture(scope="session")
def graphics() -> None:
    """Skip, and say why, where no OpenGL context can be made: the shipped clips are tested all the same."""
    pytest.importorskip("moderngl", reason="moderngl is not installed: pip install platepost[scene]")
    from simulator.scene.canvas import Canvas  # noqa: PLC0415

    try:
        Canvas(Pinhole(64, 64, focal=64, mount=2), seed=0).close()
    except NoGraphicsError as error:
        pytest.skip(str(error))
