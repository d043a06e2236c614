from pathlib import Path

import cv2
import numpy as np
import pytest

from platepost.common.errors import ConfigurationError
from platepost.device.camera.footage.camera import FootageCamera


def taken(folder: Path, **lens: object) -> tuple[np.ndarray, np.ndarray]:
    with FootageCamera(path=folder, pace="fast", **lens) as camera:
        frame = next(iter(camera.frames()))
        return frame.gray, frame.color()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make one picture, dark at the left and light at the right, with a white ground in its lowest tenth."""
    picture = np.tile(np.linspace(0, 200, 640, dtype=np.uint8), (360, 1))
    picture[324:] = 255
    cv2.imwrite(str(tmp_path / "1.png"), picture)
    return tmp_path


@pytest.mark.parametrize(("side", "left", "right"), [("left", 0, 90), ("middle", 50, 150), ("right", 110, 200)])
def test_a_longer_lens_sees_a_part_of_the_footage_as_large_as_the_whole(
    folder: Path, side: str, left: int, right: int
) -> None:
    gray, color = taken(folder, zoom=2, side=side)
    assert gray.shape == (360, 640)
    assert color.shape == (360, 640, 3)
    assert (gray[:, 0].mean(), gray[:, -1].mean()) == pytest.approx((left, right), abs=2)
    assert np.array_equal(color[..., 1], gray)
    assert gray.max() < 255, "the lowest tenth is not seen"
    edges = (gray[:, :30], gray[:, -30:])
    assert [edge.std() < 0.5 for edge in edges] == [side == "left", side == "right"], "turned past the footage's edge"


def test_once_as_long_is_the_footage_as_it_is(folder: Path) -> None:
    assert np.array_equal(taken(folder)[0], taken(folder, zoom=1, side="left")[0])
    assert taken(folder)[0].max() == 255


@pytest.mark.parametrize("lens", [{"zoom": 0.5}, {"zoom": 9}, {"side": "up"}])
def test_a_lens_that_cannot_be_is_refused(folder: Path, lens: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(lens))):
        taken(folder, **lens)
