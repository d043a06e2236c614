import numpy as np
import pytest

from platepost.simulator.redaction.cover import cover, grown, seen

BOX = (40.0, 30.0, 100.0, 50.0)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (90, 160, 3), dtype=np.uint8)


def within(box: tuple[float, float, float, float]) -> tuple[slice, slice]:
    left, top, right, bottom = grown(box)
    return slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))


def test_not_one_pixel_of_what_is_covered_has_a_part_in_the_result() -> None:
    one, other = noise(1), noise(1)
    other[within(BOX)] = noise(2)[within(BOX)]
    assert not np.array_equal(one, other)
    assert np.array_equal(cover(one, [BOX]), cover(other, [BOX]))


def test_nothing_outside_is_touched() -> None:
    picture = noise(3)
    done = cover(picture, [BOX])
    changed = (done != picture).any(axis=2)
    changed[within(BOX)] = False
    assert not changed.any()
    assert np.array_equal(picture, noise(3))


def test_covers_side_by_side_do_not_fill_one_another() -> None:
    one, other = noise(1), noise(1)
    beside = (100.0, 30.0, 140.0, 50.0)
    for box in (BOX, beside):
        other[within(box)] = noise(4)[within(box)]
    assert np.array_equal(cover(one, [BOX, beside]), cover(other, [BOX, beside]))


@pytest.mark.parametrize("box", [(-30.0, -30.0, 10.0, 10.0), (150.0, 80.0, 300.0, 200.0), (-9.0, -9.0, 999.0, 999.0)])
def test_a_box_that_lies_over_the_edge_is_covered_as_far_as_there_is_picture(
    box: tuple[float, float, float, float],
) -> None:
    assert not np.array_equal(cover(noise(1), [box]), noise(1))


def test_what_is_seen_of_a_place() -> None:
    picture = noise(1)
    assert seen(picture, [BOX], BOX) == 0
    assert seen(picture, [], BOX) == 1
    assert 0 < seen(picture, [BOX], (40, 30, 160, 50)) < 1
