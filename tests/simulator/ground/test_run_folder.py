from functools import partial
from pathlib import Path

import pytest

from platepost.simulator.errors import DemoError
from platepost.simulator.ground.run_folder import claim_folder

claimed_for_demo = partial(claim_folder, marker=".platepost-demo", owner="a demonstration's", error=DemoError)


def test_only_a_former_run_s_folder_is_emptied(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with claimed_for_demo(directory):
        (directory / "old").touch()
        (directory / "fleet" / "posts").mkdir(parents=True)
        (directory / "elsewhere").symlink_to(tmp_path)
    with claimed_for_demo(directory):
        assert [entry.name for entry in directory.iterdir()] == [".platepost-demo"]
    assert tmp_path.exists()

    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    with pytest.raises(DemoError, match="not a demonstration's; choose another folder"), claimed_for_demo(other):
        pass
    assert (other / "letter.txt").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoError, match="file/demo: cannot be written"), claimed_for_demo(tmp_path / "file" / "demo"):
        pass


def test_the_folder_of_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    with claimed_for_demo(tmp_path / "demo"):
        records = tmp_path / "demo" / "records.jsonl"
        records.touch()
        with pytest.raises(DemoError, match="in use by another run"), claimed_for_demo(tmp_path / "demo"):
            pass
        assert records.exists()
