from pathlib import Path

import numpy as np
import pytest

from platepost.common.errors import PlatepostError
from platepost.models.plates import DESIGNS
from platepost.models.reader import pool
from platepost.models.reader.pool import Pool, reserve


def test_pool_fills_goes_on_and_repeats(tmp_path: Path) -> None:
    whole = Pool(tmp_path / "whole", size=6)
    assert len(whole) == 0
    whole.fill(seed=4)
    assert len(whole) == 6

    part = Pool(tmp_path / "part", size=6)
    part.pictures[:3], part.texts[:3] = whole.pictures[:3], whole.texts[:3]
    assert len(Pool(tmp_path / "part")) == 3
    part.fill(seed=4)
    for index in range(6):
        assert np.array_equal(part.get(index)[0], whole.get(index)[0])
        assert part.get(index)[1] == whole.get(index)[1]
    assert part.get(0)[1].isalnum()


def test_a_pool_of_another_seed_or_size_is_no_pool_for_this_training(tmp_path: Path) -> None:
    reserve(tmp_path, size=3, seed=4)
    Pool(tmp_path, size=3)
    reserve(tmp_path, size=3, seed=4)
    for size, seed in ((3, 5), (4, 4)):
        with pytest.raises(PlatepostError, match="holds 3 plates of seed 4"):
            reserve(tmp_path, size=size, seed=seed)


def test_a_pool_that_does_not_say_its_seed_is_taken(tmp_path: Path) -> None:
    Pool(tmp_path, size=3)
    reserve(tmp_path, size=3, seed=4)


def test_a_good_part_of_a_pool_looks_like_an_issuers_own() -> None:
    drawn = [pool._draw(np.random.default_rng([4, index])).design for index in range(60)]
    own = sum(design not in DESIGNS for design in drawn)
    assert 10 <= own <= 35
