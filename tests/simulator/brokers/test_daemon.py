from pathlib import Path

import pytest

from platepost.simulator.brokers import daemon
from platepost.simulator.brokers.daemon import free_port


def test_a_free_port_is_none_that_outgoing_connections_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = tmp_path / "range"
    ranges.write_text("20000\t60999\n")
    monkeypatch.setattr(daemon, "_OUTGOING", ranges)
    assert all(10240 <= free_port() < 20000 for _ in range(50))


def test_where_outgoing_connections_may_get_any_port_it_is_one_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges = tmp_path / "range"
    ranges.write_text("1024\t65535\n")
    monkeypatch.setattr(daemon, "_OUTGOING", ranges)
    assert free_port() >= 1024
