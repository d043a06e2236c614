from typing import Any

import numpy as np
import pytest

from platepost.common.errors import CameraError
from platepost.device.camera.picamera2.planes import luma, picture

WIDTH, HEIGHT, STRIDE = 6, 4, 8
YELLOW_GREEN = (150, 90, 110)  # Y, Cb, Cr


def buffer(kind: str) -> tuple[bytes, dict[str, Any]]:
    y, blue, red = YELLOW_GREEN
    rows = np.full((HEIGHT, STRIDE), 7, np.uint8)
    rows[:, :WIDTH] = y
    if kind == "YUV420":
        chroma = bytes([blue]) * (STRIDE * HEIGHT // 4) + bytes([red]) * (STRIDE * HEIGHT // 4)
    else:
        chroma = bytes([blue, red]) * (STRIDE * HEIGHT // 4)
    return rows.tobytes() + chroma + b"\x00" * 64, {"format": kind, "size": (WIDTH, HEIGHT), "stride": STRIDE}


@pytest.mark.parametrize("kind", ["YUV420", "NV12"])
def test_luma_is_as_it_was_and_color_that_of_full_range_yuv(kind: str) -> None:
    content, stream = buffer(kind)
    gray, color = picture(content, stream)
    assert gray.shape == (HEIGHT, WIDTH)
    assert np.all(gray == 150)
    made = color()
    assert made.shape == (HEIGHT, WIDTH, 3)
    # JFIF: R = Y + 1.402 (Cr - 128), G = Y - 0.344 (Cb - 128) - 0.714 (Cr - 128), B = Y + 1.772 (Cb - 128).
    assert np.abs(made.astype(int) - np.array([83, 176, 125])).max() <= 1


def test_padding_is_left_out_of_the_small_picture() -> None:
    content, stream = buffer("YUV420")
    small = luma(content, stream)
    assert small.shape == (HEIGHT, WIDTH)
    assert small.flags.c_contiguous
    assert np.all(small == 150)


@pytest.mark.parametrize("change", [{"format": "MJPEG"}, {"size": (6, 400)}])
def test_what_cannot_be_a_frame_is_refused(change: dict[str, Any]) -> None:
    content, stream = buffer("NV12")
    with pytest.raises(CameraError):
        picture(content, stream | change)
