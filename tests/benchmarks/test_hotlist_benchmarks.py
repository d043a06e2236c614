import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("hotlist_lookup", ["2000", "--reads", "200", "--changes", "50"], "with the delta"),
        ("hotlist_false_positives", ["2000", "--probes", "3000", "--processes", "1"], "one by one"),
        ("hotlist_false_positives", ["2000", "--probes", "300000", "--processes", "1", "--drawn"], "one by one"),
        ("hotlist_memory", ["2000", "--look-ups", "2000"], "packages of 2,000 entries"),
    ],
)
def test_a_benchmark_still_runs(
    name: str, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In small: it uses inner parts of the builder and the reader, which change."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    assert not importlib.import_module(name).main()
    assert says in capsys.readouterr().out
