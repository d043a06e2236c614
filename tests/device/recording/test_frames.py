import pytest

from device.recording import RecordingError
from device.recording.frames import pack, unpack
from tests.device.recording.conftest import make_frame, same


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("colours", [False, True])
def test_a_frame_comes_back_to_the_last_bit(*, colours: bool, small: bool) -> None:
    frame = make_frame(3, colours=colours, small=small)
    assert same(frame, unpack(pack(frame, colour=True)))


def test_a_camera_without_colours_costs_no_picture_of_them() -> None:
    grey, coloured = make_frame(1, colours=False), make_frame(1)
    assert len(pack(grey, colour=True)) == len(pack(grey, colour=False))
    assert len(pack(coloured, colour=True)) > 3 * len(pack(coloured, colour=False))
    assert same(coloured, unpack(pack(coloured, colour=False)), colours=False)


@pytest.mark.parametrize("cut", [0, 10, 60, -1])
def test_bytes_that_are_no_frame_are_named(cut: int) -> None:
    with pytest.raises(RecordingError, match="frame of the recording"):
        unpack(pack(make_frame(1), colour=True)[:cut])
