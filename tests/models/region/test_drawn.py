from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platepost.models.plates import DESIGNS, render_plate
from platepost.models.plates.issuers import NAMES, SHARES, draw_look
from platepost.models.region import drawn
from platepost.models.region.cli import _pool
from platepost.wire.records.regions import OTHER, REGIONS, STATES


def test_a_plate_depends_on_the_seed_and_its_number_alone() -> None:
    pictures, issuers = drawn.draw(3, seed=7)
    more, labels = drawn.draw(5, seed=7)
    assert pictures.shape == (3, 96, 240)
    assert np.array_equal(pictures, more[:3])
    assert np.array_equal(issuers, labels[:3])
    assert not np.array_equal(pictures, drawn.draw(3, seed=8)[0])


@pytest.mark.parametrize("state", [*STATES, OTHER])
def test_every_issuer_has_designs_that_can_be_painted_and_say_its_name(state: str) -> None:
    rng = np.random.default_rng(5)
    looks = {look.name: look for look in (draw_look(state, rng) for _ in range(60))}
    for look in looks.values():
        assert render_plate(rng, design=look, height=48).image.shape[0] == 48
    if state != OTHER:
        words = " ".join(text for look in looks.values() for text in (*look.headings, *_texts(look.layers))).lower()
        assert NAMES[state].replace(" DC", "").lower() in words


def _texts(layers: Sequence[Any]) -> Iterator[str]:
    for layer in layers:
        if layer[0] in {"words", "name"}:
            yield layer[1]
        yield from _texts([part for part in layer if isinstance(part, Sequence) and not isinstance(part, str)])


def test_california_and_plates_from_elsewhere_come_more_often_than_a_usual_state() -> None:
    shares = dict(zip(REGIONS, SHARES, strict=True))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["US-CA"] == pytest.approx(6 * shares["US-NV"])
    assert shares[OTHER] == pytest.approx(5 * shares["US-NV"])


def test_serials_do_not_name_the_state() -> None:
    rng = np.random.default_rng(3)
    told = {state: [draw_look(state, rng).writer(rng) for _ in range(400)] for state in ("NV", "NY")}
    kinds = {
        state: {"".join("9" if c.isdigit() else "A" for c in text) for text in texts} for state, texts in told.items()
    }
    assert len(kinds["NV"] & kinds["NY"]) >= 20


def test_no_other_training_draws_printed_names() -> None:
    assert not any(look.faces != ((), ()) or look.inks or look.logos for look in DESIGNS.values())


def test_plates_of_another_seed_or_number_are_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings: list[tuple[int, int]] = []

    def noted(count: int, seed: int) -> drawn.Drawn:
        drawings.append((count, seed))
        return np.full((count, 2, 2), seed, np.uint8), np.ones(count, np.int64)

    monkeypatch.setattr(drawn, "draw", noted)
    for size, seed in ((3, 1), (3, 1), (3, 2), (4, 2)):
        assert _pool(tmp_path, size, seed)[0].tolist() == np.full((size, 2, 2), seed).tolist()
    assert drawings == [(3, 1), (3, 2), (4, 2)]
