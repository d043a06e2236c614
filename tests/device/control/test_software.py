from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from platepost.device.control.settings import SoftwareSettings
from platepost.device.control.software import AGAIN_SECONDS, CHECK_SECONDS, SoftwareUpdates
from platepost.wire.faults import Fault


class Unit:
    """A post of version 1.2.0, and what it asks of root."""

    def __init__(self, folder: Path, **order: Any) -> None:
        self.said: list[tuple[str, str | None]] = []
        self.now, self.hour = 0.0, 12
        self.request, self.result = folder / "update", folder / "result"
        self.updates = SoftwareUpdates(
            folder,
            SoftwareSettings(**order),
            audit=SimpleNamespace(record=lambda action, **more: self.said.append((action, more.get("reason")))),  # type: ignore[arg-type] # only said to
            timekeeper=SimpleNamespace(now=lambda: datetime(2026, 12, 1, self.hour, tzinfo=UTC)),  # type: ignore[arg-type] # only asked
            present="1.2.0",
            result=self.result,
        )

    def order(self, **order: Any) -> None:
        self.updates.adjust(SimpleNamespace(table=lambda _: SoftwareSettings(**order)))  # type: ignore[arg-type] # one table

    def poll(self, seconds: float = CHECK_SECONDS) -> None:
        self.now += seconds
        self.updates.poll(self.now)

    @property
    def asked(self) -> str | None:
        return self.request.read_text().strip() if self.request.exists() else None


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


@pytest.mark.parametrize("order", [{}, {"version": "1.2.0"}])
def test_nothing_is_asked_for_without_need(tmp_path: Path, order: dict[str, Any]) -> None:
    unit = Unit(tmp_path, **order)
    unit.poll()
    assert (unit.asked, unit.said) == (None, [])


def test_an_ordered_version_is_asked_for_within_its_window(unit: Unit) -> None:
    unit.order(version="1.3.0", window_begin=22, window_hours=4)
    unit.poll()
    assert unit.asked is None
    for unit.hour in (22, 23, 0, 1):
        unit.request.unlink(missing_ok=True)
        unit.poll(AGAIN_SECONDS)
        assert unit.asked == "1.3.0"
    unit.request.unlink()
    unit.hour = 2
    unit.poll(AGAIN_SECONDS)
    assert unit.asked is None
    assert unit.said == [("update_ordered", None)], "once"


def test_what_could_not_be_installed_is_a_fault_and_tried_again(unit: Unit) -> None:
    unit.order(version="1.3.0")
    unit.poll()
    unit.request.unlink()  # as root does
    unit.result.write_text("1.1.0 older\n")  # of another order
    unit.poll()
    assert unit.updates.faults() == ()
    unit.result.write_text("1.3.0 not_installed\n")
    unit.poll()
    assert unit.updates.faults() == (Fault.UPDATE_FAILED,)
    assert unit.asked is None
    unit.poll(AGAIN_SECONDS)
    assert unit.asked == "1.3.0"
    assert unit.said == [("update_ordered", None), ("update_failed", "not_installed")]
    unit.order(version="1.4.0")
    assert unit.updates.faults() == ()


def test_an_order_that_is_taken_back_is_not_asked_for_any_more(unit: Unit) -> None:
    unit.order(version="1.3.0")
    unit.poll()
    unit.order(version="1.2.0")
    unit.poll()
    assert unit.asked is None


def test_a_request_of_a_former_run_is_forgotten(unit: Unit) -> None:
    unit.request.write_text("1.3.0")
    unit.updates.start()
    assert unit.asked is None
