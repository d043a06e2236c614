"""What a person is told to see is what the light does."""

from pathlib import Path

import pytest

from platepost.device.board.base import Light
from platepost.device.board.status_light import PATTERNS, described, lit

TABLE = (Path(__file__).parents[3] / "docs" / "hardware.md").read_text().partition("### The status light")[2]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ((), "steadily dark"),
        ((1.0, 1.0), "slow and even: 1 s lit, 1 s dark"),
        ((0.15, 2.85), "one short flash every 3 s"),
        ((0.15, 0.35, 0.15, 2.35), "two short flashes every 3 s"),
        ((0.1, 0.1), "quick and even: 10 changes a second"),
        ((1.0, 3.0), "one long flash every 4 s"),
    ],
)
def test_a_pattern_is_said_in_words(pattern: tuple[float, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATTERNS, Light.DEGRADED, pattern)
    assert described(Light.DEGRADED) == said


@pytest.mark.parametrize("light", [light for light in Light if light is not Light.OFF])
def test_technicians_read_the_same_in_the_documents(light: Light) -> None:
    assert f"| {described(light)} |" in TABLE


@pytest.mark.parametrize("light", [light for light in Light if light is not Light.OFF])
def test_it_is_lit_as_often_as_is_said(light: Light) -> None:
    moments = [lit(light, step / 1000) for step in range(round(sum(PATTERNS[light]) * 1000))]
    assert (
        sum(now and not before for before, now in zip([False, *moments], moments, strict=False))
        == len(PATTERNS[light]) / 2
    )
