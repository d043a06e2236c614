import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.technician.aim.advice import LEAST_SHARPNESS
from platepost.technician.aim.measurement import angles, blur_pixels, measure, sharpness

FLAT = np.array([[100, 100], [220, 100], [220, 160], [100, 160]], np.float32)


def projected(sideways: float, above: float, roll: float, *, distance: float = 600.0) -> NDArray[np.float32]:
    """Return the corners of a plate of 12 x 6 inches, turned, through a long lens."""
    turn = [np.radians(angle) for angle in (above, sideways, roll)]
    rotation = np.eye(3)
    for axis, angle in zip(np.eye(3), turn, strict=True):
        rotation = cv2.Rodrigues(axis * angle)[0] @ rotation
    flat = np.array([[-6, -3, 0], [6, -3, 0], [6, 3, 0], [-6, 3, 0]], float)
    placed = flat @ rotation.T + [0, 0, distance]
    return (placed[:, :2] / placed[:, 2:] * 6000 + [640, 360]).astype(np.float32)


def test_a_plate_seen_from_the_front_has_no_angles() -> None:
    assert angles(FLAT) == pytest.approx((0, 0, 0), abs=0.01)


@pytest.mark.parametrize(
    ("sideways", "above", "roll"), [(35, 0, 0), (0, 35, 0), (0, 0, 12), (0, 0, -7), (25, 20, 0), (40, 0, 5)]
)
def test_angles_are_those_that_the_plate_was_turned_by(sideways: float, above: float, roll: float) -> None:
    found = angles(projected(sideways, above, roll))
    assert found[0] == pytest.approx(sideways, abs=3)
    assert found[1] == pytest.approx(above, abs=3)
    if sideways == above == 0:
        assert found[2] == pytest.approx(roll, abs=0.5)


def test_corners_that_fall_together_are_no_plate_and_no_error() -> None:
    assert angles(np.zeros((4, 2), np.float32)) == (0.0, 0.0, 0.0)


def striped(sigma: float) -> NDArray[np.uint8]:
    picture = np.full((300, 400), 60, np.uint8)
    picture[100:160, 100:220] = 200
    for x in range(108, 216, 12):
        picture[110:150, x : x + 4] = 30
    return cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.uint8) if sigma else picture


def test_what_is_measured_is_what_was_drawn() -> None:
    figures = measure(striped(0), FLAT)
    assert figures.width == pytest.approx(120)
    assert figures.contrast == pytest.approx(170, abs=5)
    assert figures.washed_out == 0
    assert figures.center == pytest.approx((160, 130))
    white = np.full((300, 400), 255, np.uint8)
    assert measure(white, FLAT).washed_out == 1


def test_sharpness_falls_with_every_bit_of_blur() -> None:
    found = [measure(striped(sigma), FLAT).sharpness for sigma in (0.0, 1.0, 2.0, 3.0, 5.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.7
    assert found[2] < found[0] - 0.05


def lettered(width: int, *, blur: float = 0.0, noise: float = 0.0) -> NDArray[np.uint8]:
    """Draw a plate so many pixels wide, through a lens that blurs by so many, by a sensor with so much noise."""
    plate = np.full((1200, 2400), 160, np.uint8)
    cv2.putText(plate, "8KTR402", (140, 860), cv2.FONT_HERSHEY_SIMPLEX, 17, 30, 75, cv2.LINE_AA)
    small = cv2.resize(plate, (width, width // 2), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), blur) if blur else small
    grain = np.random.default_rng(7).normal(0, noise, small.shape)
    return np.clip(blurred + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("width", [130, 200, 300, 450])
def test_a_crisp_plate_is_sharp_however_large_it_is_seen(width: int) -> None:
    assert sharpness(lettered(width, blur=0.7)) >= LEAST_SHARPNESS


@pytest.mark.parametrize("noise", [0.0, 3.0, 6.0])
def test_noise_makes_no_plate_sharp(noise: float) -> None:
    assert sharpness(lettered(150, blur=3.0, noise=noise)) < LEAST_SHARPNESS
    assert sharpness(lettered(150, noise=noise)) >= LEAST_SHARPNESS


def test_blur_is_the_field_s_own_figure() -> None:
    """130 pixels across, 45 mph, 1/1000 s, 15 degrees: 2.2 pixels."""
    assert blur_pixels(130, speed_mph=45, shutter_seconds=1 / 1000, tilt_degrees=15) == pytest.approx(2.2, abs=0.05)
    assert blur_pixels(130, speed_mph=65, shutter_seconds=1 / 2000, tilt_degrees=15) == pytest.approx(1.6, abs=0.05)
