from functools import partial
from pathlib import Path

import pytest

from simulator.errors import DemoError
from simulator.ground.folder import claim

claim_for_demo = partial(claim, mark=".platepost-demo", whose="a demonstration's", error=DemoError)


def test_only_a_former_run_s_folder_is_emptied(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    claim_for_demo(directory)
    (directory / "old").touch()
    claim_for_demo(directory)
    assert not (directory / "old").exists()

    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    with pytest.raises(DemoError, match="not a demonstration's; name another folder"):
        claim_for_demo(other)
    assert (other / "letter.txt").exists()


def test_what_a_former_run_left_may_stay(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    claim_for_demo(directory)
    (directory / "old").touch()
    claim_for_demo(directory, keep=True)
    assert (directory / "old").exists()

    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    with pytest.raises(DemoError, match="another folder"):
        claim_for_demo(other, keep=True)
