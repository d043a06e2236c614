import json
from pathlib import Path

import pytest

from provisioning.fleet import Fleet
from provisioning.post_file import PostSettings
from simulator.demo.clip import find_clip
from simulator.demo.hot_list import build_hot_list
from simulator.demo.stage import empty_folder
from simulator.errors import DemoError


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """A clip of which only the name matters."""
    path = tmp_path / "street.mp4"
    path.touch()
    return path


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet.create(tmp_path / "fleet", agency="demo")
    made.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    return made


def test_what_lies_beside_a_clip_is_found(footage: Path) -> None:
    passages = [{"text": "7ABC123", "frames": [0, 9]}]
    footage.with_name("street.truth.json").write_text(json.dumps({"fps": 20, "passages": passages}))
    hits = [{"passage": 0, "kind": "exact", "category": "local"}]
    footage.with_name("street.due.json").write_text(json.dumps(hits))
    footage.with_name("street.hotlist.csv").touch()
    clip = find_clip(footage)
    assert clip.truth is not None
    assert (len(clip.truth.passages), len(clip.due)) == (1, 1)
    assert clip.hot_list == footage.with_name("street.hotlist.csv")
    assert clip.patterns is None


def test_clip_of_one_s_own_needs_nothing_beside_it(footage: Path) -> None:
    clip = find_clip(footage)
    assert (clip.truth, clip.hot_list, clip.patterns, clip.due) == (None, None, None, ())


def test_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"gone\.mp4"):
        find_clip(tmp_path / "gone.mp4")


def test_refused_row_of_the_hot_list_is_named_without_its_plate(footage: Path, fleet: Fleet) -> None:
    footage.with_name("street.hotlist.csv").write_text("plate,category\n7ABC123,local\n7ABC124,parking\n")
    with pytest.raises(DemoError, match="line 3") as refused:
        build_hot_list(find_clip(footage), fleet)
    assert "7ABC124" not in str(refused.value)


def test_expired_pattern_is_refused(footage: Path, fleet: Fleet) -> None:
    footage.with_name("street.patterns.csv").write_text(
        "pattern,category,priority,case,author,expires\n7AB*,local,1,CASE-1,A. Author,2020-01-01\n"
    )
    with pytest.raises(DemoError, match="expired"):
        build_hot_list(find_clip(footage), fleet)


def test_only_a_former_demonstration_s_folder_is_emptied(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    empty_folder(directory)
    (directory / "old").touch()
    empty_folder(directory)
    assert not (directory / "old").exists()

    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    with pytest.raises(DemoError, match="another folder"):
        empty_folder(other)
    assert (other / "letter.txt").exists()
