import pytest

from platepost.device.recording import RecordingError
from platepost.device.recording.frames import pack, unpack
from tests.device.recording.conftest import make_frame, same


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("colors", [False, True])
def test_a_frame_comes_back_to_the_last_bit(*, colors: bool, small: bool) -> None:
    frame = make_frame(3, colors=colors, small=small)
    assert same(frame, unpack(pack(frame, color=True)))


def test_a_camera_without_colors_costs_no_picture_of_them() -> None:
    gray, colored = make_frame(1, colors=False), make_frame(1)
    assert len(pack(gray, color=True)) == len(pack(gray, color=False))
    assert len(pack(colored, color=True)) > 3 * len(pack(colored, color=False))
    assert same(colored, unpack(pack(colored, color=False)), colors=False)


@pytest.mark.parametrize("cut", [0, 10, 60, -1])
def test_bytes_that_are_no_frame_are_named(cut: int) -> None:
    with pytest.raises(RecordingError, match="frame of the recording"):
        unpack(pack(make_frame(1), color=True)[:cut])
