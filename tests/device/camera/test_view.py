from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from platepost.common.errors import ConfigurationError
from platepost.device.camera.view import FILE, View, Views, load_views

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def frame() -> np.ndarray:
    return np.tile(np.linspace(0, 255, 640, dtype=np.uint8), (360, 1))


def test_an_accepted_view_is_read_back_as_it_was(tmp_path: Path) -> None:
    view = View.of(frame(), accepted=WHEN, accepted_by="r-alvarez")
    Views(day=view).save(tmp_path)

    read = load_views(tmp_path)

    assert read.of("day") == view
    assert read.of("infrared") is None
    assert read.day is not None
    assert read.day.picture.shape == (36, 64)
    assert abs(int(read.day.picture[5, 32]) - 128) < 5
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_sharpness_falls_when_the_lens_is_out_of_focus() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 640), dtype=np.uint8)
    flat = np.full((360, 640), 128, np.uint8)
    sharp, blurred = (View.of(picture, accepted=WHEN, accepted_by="r-alvarez").sharpness for picture in (noise, flat))
    assert sharp > blurred == 0


def test_without_a_file_nothing_was_accepted(tmp_path: Path) -> None:
    assert load_views(tmp_path) == Views()


@pytest.mark.parametrize("text", ["", "{", '{"version": 2}', '{"version": 1, "day": {}}'])
def test_a_damaged_or_later_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigurationError, match="aim again"):
        load_views(tmp_path)
