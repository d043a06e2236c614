import cv2
import numpy as np
import pytest

from platepost.device.vision.geometry import bounding_box, intersection_over_union, plate_size, rectify, shrink, upright


def picture_with_plate(corners: np.ndarray) -> np.ndarray:
    """Paint a plate whose left half is white and right half is black, on gray, at `corners`."""
    plate = np.zeros((80, 160), np.uint8)
    plate[:, :80] = 255
    source = np.array([[0, 0], [160, 0], [160, 80], [0, 80]], np.float32)
    transform = cv2.getPerspectiveTransform(source - 0.5, corners.astype(np.float32) - 0.5)
    picture = np.full((300, 400), 128, np.uint8)
    cv2.warpPerspective(plate, transform, (400, 300), picture, borderMode=cv2.BORDER_TRANSPARENT)
    return picture


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0], ids=["small", "middling", "shrunk first"])
def test_a_tilted_plate_comes_out_upright(scale: float) -> None:
    corners = np.array([[60, 60], [160, 90], [155, 140], [50, 115]], np.float32) * np.float32(scale)
    plate = rectify(picture_with_plate(corners), corners, width=160, height=64, margin=0.0)
    assert plate.shape == (64, 160)
    assert plate[8:56, 8:70].mean() > 235
    assert plate[8:56, 90:152].mean() < 20


def test_the_margin_shows_what_lies_around_the_plate() -> None:
    corners = np.array([[100, 100], [260, 100], [260, 180], [100, 180]], np.float32)
    plate = rectify(picture_with_plate(corners), corners, width=160, height=64, margin=0.1)
    assert plate[:4].mean() == pytest.approx(128, abs=3)
    assert plate[10:54, 20:70].mean() > 250


def test_a_plate_at_the_edge_of_the_picture_does_not_fail() -> None:
    corners = np.array([[-20, -10], [380, -10], [380, 200], [-20, 200]], np.float32)
    assert rectify(np.zeros((300, 400), np.uint8), corners, width=160, height=64, margin=0.04).shape == (64, 160)


def test_boxes_and_sizes() -> None:
    corners = np.array([[1, 2], [31, 2], [31, 12], [1, 12]], np.float32)
    assert bounding_box(corners) == (1, 2, 31, 12)
    assert plate_size(corners) == pytest.approx((30, 10))
    leaning = np.array([[3, 2], [31, 5], [29, 12], [1, 9]], np.float32)
    assert upright(leaning).tolist() == [[1, 2], [31, 2], [31, 12], [1, 12]]
    assert intersection_over_union((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert intersection_over_union((0, 0, 10, 10), (10, 0, 20, 10)) == 0


@pytest.mark.parametrize(
    ("shape", "used"),
    [
        *(((rows, columns), (rows, columns)) for rows, columns in [(720, 1280), (1080, 1920), (600, 800), (45, 80)]),
        ((360, 640, 3), (360, 640)),
        ((719, 1279), (716, 1276)),
        ((179, 319), (179, 319)),
    ],
)
def test_shrinking_by_halves_is_area_averaging_without_odd_last_rows(
    shape: tuple[int, ...], used: tuple[int, int]
) -> None:
    noise = np.random.default_rng(3).integers(0, 255, shape, np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 3)
    at_once = cv2.resize(picture[: used[0], : used[1]], (80, 45), interpolation=cv2.INTER_AREA).astype(int)
    found = shrink(picture, 80, 45)
    assert found.shape == at_once.shape
    assert np.abs(found - at_once).max() <= 2
