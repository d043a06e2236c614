import re
from pathlib import Path

import numpy as np
import pytest

from models.plates import DESIGNS, render_plate
from models.region import drawn
from models.region.cli import _pool

CALIFORNIA_S_OWN = re.compile(r"[1-9][A-Z]{3}[0-9]{3}")


def test_a_plate_depends_on_the_seed_and_its_number_alone() -> None:
    pictures, californian = drawn.draw(3, seed=7)
    more, labels = drawn.draw(5, seed=7)
    assert pictures.shape == (3, 96, 240)
    assert np.array_equal(pictures, more[:3])
    assert np.array_equal(californian, labels[:3])
    assert not np.array_equal(pictures, drawn.draw(3, seed=8)[0])


def test_serials_say_nothing_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[bool, list[str]] = {True: [], False: []}

    def noted(rng: np.random.Generator, **more: object) -> object:
        look, text = more["design"], more["text"]
        told[look.name.startswith("california_")].append(str(text))  # type: ignore[attr-defined]
        return None

    monkeypatch.setattr(drawn, "render_plate", noted)
    monkeypatch.setattr(drawn, "framed", lambda _plate, _rng: np.zeros((96, 240), np.uint8))
    _, californian = drawn.draw(3000, seed=1)
    assert len(told[True]) == californian.sum()
    own = {
        answer: np.mean([bool(CALIFORNIA_S_OWN.fullmatch(text)) for text in texts]) for answer, texts in told.items()
    }
    assert own[True] > 0.1
    assert own[False] == pytest.approx(own[True], abs=0.04)


def test_some_of_both_have_a_brushed_name_and_no_other_training_does() -> None:
    looks = drawn._looks("california_") + drawn._looks("us_")
    assert {look.name for look in looks} == {name for name in DESIGNS if name.startswith(("california_", "us_"))}
    assert all(look.script > 0 for look in drawn._looks("us_"))
    assert {look.name: look.script for look in looks}["california_passenger"] > 0.5
    assert not any(design.script for design in DESIGNS.values())
    assert render_plate(np.random.default_rng(1), design=looks[0]).design == looks[0].name


def test_plates_of_another_seed_or_number_are_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings: list[tuple[int, int]] = []

    def noted(count: int, seed: int) -> drawn.Drawn:
        drawings.append((count, seed))
        return np.full((count, 2, 2), seed, np.uint8), np.ones(count, np.bool_)

    monkeypatch.setattr(drawn, "draw", noted)
    for size, seed in ((3, 1), (3, 1), (3, 2), (4, 2)):
        assert _pool(tmp_path, size, seed)[0].tolist() == np.full((size, 2, 2), seed).tolist()
    assert drawings == [(3, 1), (3, 2), (4, 2)]
