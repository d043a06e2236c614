import numpy as np

from platepost.models.detector.geometry import (
    FLIP_ORDER,
    cell_centres,
    decode_corners,
    encode_corners,
    flip_corners,
    input_scale,
)

QUAD = np.array([[100, 50], [148, 54], [147, 78], [99, 74]], np.float32)


def test_corners_survive_encoding_and_decoding_from_any_cell() -> None:
    centres = cell_centres(46, 80)[5:11, 10:20]
    encoded = encode_corners(np.broadcast_to(QUAD, (*centres.shape[:2], 4, 2)), centres)
    assert encoded.shape == (6, 10, 8)
    assert np.allclose(decode_corners(encoded, centres), QUAD, atol=1e-3)


def test_encoding_is_asinh_of_cells_from_the_cells_centre() -> None:
    centre = np.array([100.0, 52.0])
    encoded = encode_corners(QUAD, centre)
    assert np.isclose(encoded[0], 0)
    assert np.isclose(encoded[1], np.arcsinh(-2 / 8))
    assert np.isclose(encoded[2], np.arcsinh(48 / 8))


def test_first_cells_centre_is_half_a_stride_in() -> None:
    centres = cell_centres(46, 80)
    assert centres.shape == (46, 80, 2)
    assert centres[0, 0].tolist() == [4, 4]
    assert centres[3, 7].tolist() == [60, 28]


def test_flip_mirrors_and_keeps_reading_order() -> None:
    flipped = flip_corners(QUAD, width=400)
    assert flipped[0].tolist() == [400 - 148, 54]
    assert flipped[1].tolist() == [400 - 100, 50]
    assert flipped[0, 0] < flipped[1, 0]
    assert flipped[0, 1] < flipped[3, 1]
    assert np.allclose(flip_corners(flipped, width=400), QUAD)
    assert sorted(FLIP_ORDER) == [0, 1, 2, 3]


def test_hd_frame_is_halved() -> None:
    assert input_scale(width=1280, height=720) == 0.5
    assert input_scale(width=600, height=800) == 368 / 800
