import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.demo.clip import find_clip
from platepost.simulator.demo.hot_list import build_hot_list
from platepost.simulator.errors import DemoError, TruthError
from platepost.wire.hotlist import HotListStore


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


def test_due_hits_whose_passages_are_not_known_are_no_clip_without_due_hits(footage: Path) -> None:
    footage.with_name("street.due.json").write_text('[{"passage": 0, "kind": "exact", "category": "local"}]')
    with pytest.raises(TruthError, match=r"street\.due\.json: lists passages of street\.truth\.json, which is missing"):
        find_clip(footage)


def test_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"gone\.mp4"):
        find_clip(tmp_path / "gone.mp4")


def test_refused_rows_of_the_hot_list_are_left_out_and_told_without_their_plates(footage: Path, fleet: Fleet) -> None:
    footage.with_name("street.hotlist.csv").write_text("plate,category\n7ABC123,local\n7ABC124,parking\n")
    footage.with_name("street.patterns.csv").write_text(
        "pattern,category,priority,case,author,expires\n"
        "8XY*,local,1,CASE-1,A. Author,2099-01-01\n7AB*,local,1,CASE-2,A. Author,2020-01-01\n"
    )
    built = build_hot_list(find_clip(footage), fleet)
    assert built.entries == 2
    assert [row.line for row in built.refused] == [3, 3]
    assert "7ABC124" not in str(built.refused)

    folder = fleet.post("post-1")
    store = HotListStore(
        folder / "state" / "hotlist",
        agency="demo",
        issuer_key=(folder / "issuer_key.pem").read_bytes(),
        unseal_key=(folder / "unseal_key.pem").read_bytes(),
    )
    hot_list = store.install(built.package)
    now = datetime.now(UTC)
    assert [bool(hot_list.match(plate, at=now)) for plate in ("7ABC123", "7ABC124", "8XYZ900", "7ABX999")] == [
        True,
        False,
        True,
        False,
    ]
