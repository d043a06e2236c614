import csv
import json
from pathlib import Path

import pytest

from platepost.simulator.errors import SceneError
from platepost.simulator.scene.description import Clip, Listed, Passing, Pattern, Scene, Watch
from platepost.simulator.scene.watch import decoys, due, fits, write_watch

_TEXTS = ["7VFN903", "7NOK382", "8NEC364", "6TXP748"]


def _scene(**watch: object) -> Scene:
    passing = tuple(Passing(text=text, at=1.0, mph=30) for text in _TEXTS)
    return Scene(clip=Clip(seed=1, seconds=4), passing=passing, watch=Watch.model_validate({"seed": 3} | watch))


def _listed(plate: str) -> Listed:
    return Listed(plate=plate, category="stolen_vehicle", priority=1, reference="T-1")


def _pattern(pattern: str, characters: int | None = 7) -> Pattern:
    return Pattern(pattern=pattern, characters=characters, category="bolo", priority=2, case="T-2", author="A. Tester")


@pytest.mark.parametrize(
    ("pattern", "characters", "plate", "fitting"),
    [
        ("8NEC3??", 7, "8NEC364", True),
        ("8NEC3*", None, "8NEC3", True),
        ("*364", None, "8NEC364", True),
        ("8N*4", None, "8NEC365", False),
        ("8NEC3??", 7, "8NEC36", False),
        ("8NEC3*", 7, "8NEC3645", False),
        ("7N0K???", 7, "7NOK382", True),
    ],
)
def test_fits(pattern: str, characters: int | None, plate: str, fitting: bool) -> None:  # noqa: FBT001
    assert fits(_pattern(pattern, characters), plate) is fitting


def test_due_tells_exact_from_look_alike_from_partial() -> None:
    scene = _scene(listed=(_listed("7VFN903"), _listed("7N0K382")), pattern=(_pattern("8NEC3??"),))

    assert [(hit["passage"], hit["kind"]) for hit in due(scene, _TEXTS)] == [
        (0, "exact"), (1, "look_alike"), (2, "partial"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "watch",
    [
        {"listed": (_listed("1AAA111"),)},
        {"pattern": (_pattern("???????"),)},
        {"listed": (_listed("8NEC364"),), "pattern": (_pattern("8NEC3??"),)},
    ],
)
def test_due_refuses_a_list_that_is_met_by_none_by_many_or_twice(watch: dict[str, object]) -> None:
    with pytest.raises(SceneError):
        due(_scene(**watch), _TEXTS)


def test_decoys_are_many_and_far_from_every_passage() -> None:
    scene = _scene(listed=(_listed("7VFN903"),), pattern=(_pattern("8NEC3??"),), decoys=50)

    drawn = decoys(scene)

    assert len(set(drawn)) == 50
    assert drawn == decoys(scene)
    assert not any(fits(_pattern("8NEC3??"), plate) for plate in drawn)


def test_write_watch_writes_what_is_due(tmp_path: Path) -> None:
    scene = _scene(listed=(_listed("7VFN903"),), pattern=(_pattern("8NEC3??"),), decoys=5)

    write_watch(scene, [{"text": text} for text in _TEXTS], tmp_path / "clip.mp4")

    with (tmp_path / "clip.hotlist.csv").open(encoding="utf-8") as file:
        plates = [row["plate"] for row in csv.DictReader(file)]
    assert len(plates) == 6
    assert "7VFN903" in plates
    assert len(json.loads((tmp_path / "clip.due.json").read_text())) == 2
