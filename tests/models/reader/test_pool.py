from pathlib import Path

import numpy as np

from models.reader.pool import Pool


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
