"""The simulated return of a fleet, in small: it uses the very choice of waits that posts use."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def storm(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("reconnect_storm")


@pytest.mark.parametrize(("outage", "share"), [(0.2, 0.3), (10.0, 0.2), (60.0, 0.06)])
def test_a_fleet_does_not_come_back_as_one(storm: Any, outage: float, share: float) -> None:
    drawn = storm.simulate(posts=500, outage=outage, handshakes=500, seed=1)
    assert drawn.peak <= 500 * share
    assert drawn.nearly_all < 120
    alike = storm.simulate(posts=500, outage=outage, handshakes=500, seed=1, jitter=False)
    assert alike.peak == 500


def test_the_table_is_printed(
    storm: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["reconnect_storm", "--posts", "30"])
    storm.main()
    assert capsys.readouterr().out.count("drawn") == len(storm.OUTAGES)
