import cv2
import numpy as np
import pytest

from platepost.common.errors import PictureError
from platepost.device.vision.pictures import encode, overview, patch, sharpness

CORNERS = np.array([[600, 400], [720, 405], [719, 462], [599, 458]], np.float32)


@pytest.fixture
def noisy() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 255, (720, 1280, 3), np.uint8)


def test_pictures_keep_to_their_bytes_however_hard(noisy: np.ndarray) -> None:
    assert len(patch(noisy, CORNERS).content) <= 3 * 1024
    assert len(overview(noisy, CORNERS).content) <= 25 * 1024


def test_the_stated_size_is_that_of_the_jpeg(noisy: np.ndarray) -> None:
    for made in (patch(noisy, CORNERS), overview(noisy, CORNERS)):
        decoded = cv2.imdecode(np.frombuffer(made.content, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape[:2] == (made.height, made.width)


def test_the_overview_has_the_plate_in_view_even_at_the_edge() -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[680:710, 1200:1270] = 255
    corners = np.array([[1200, 680], [1270, 680], [1270, 710], [1200, 710]], np.float32)
    shown = cv2.imdecode(np.frombuffer(overview(frame, corners).content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown.max() > 240


def test_what_cannot_fit_is_an_error(noisy: np.ndarray) -> None:
    with pytest.raises(PictureError, match="does not fit into 100 bytes"):
        encode(noisy, largest=100)


def test_blur_lowers_sharpness() -> None:
    plate = np.full((64, 160), 220, np.uint8)
    cv2.putText(plate, "7ABC123", (8, 46), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 20, 4)
    values = [sharpness(cv2.GaussianBlur(plate, (0, 0), sigma)) for sigma in (0.5, 1.5, 3.0)]
    assert values[0] > values[1] > values[2]
