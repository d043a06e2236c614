from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from platepost.device.config import Configuration
from platepost.technician.accept import result as module
from platepost.technician.accept.result import ASKED, SEEN, Basis, Checkpoint, Result
from platepost.technician.accept.service import AcceptanceCriteria

STEPS = ("board", "unit", "view", "rights", "hot list", "alarm", "count")


class Unit:
    """A unit on which an acceptance is begun, broken off and taken up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.aim("one view")

    def aim(self, view: str) -> None:
        (self.folder / "view.json").write_text(view)

    def resume(self, *, digest: str = "d", technician: str = "r-alvarez", **limits: Any) -> Checkpoint:
        made = SimpleNamespace(digest=digest, outbox=SimpleNamespace(path=self.folder / "outbox.db"))
        asked = AcceptanceCriteria(**limits).model_dump()
        basis = Basis.of(cast("Configuration", made), technician=technician, limits=asked)
        self.said.clear()
        return Checkpoint.resume(self.folder, basis, say=self.said.append)

    def broken_off(self, progress: Checkpoint) -> None:
        for step in STEPS:
            if not progress.done(step):
                progress.note(self.folder, step, [Result(point=step, good=True, said="well")])
        progress.note(self.folder, "outage", [Result(point="outage", good=False, said="no vehicle passed")])


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    made = Unit(tmp_path)
    made.broken_off(made.resume())
    return made


def again(progress: Checkpoint) -> set[str]:
    return {step for step in STEPS if not progress.done(step)}


def test_what_was_good_is_not_done_again(unit: Unit) -> None:
    progress = unit.resume()
    assert again(progress) == set()
    assert not progress.done("outage")
    assert unit.said == []
    assert again(unit.resume(patience_seconds=1800)) == set()


def test_what_was_judged_by_other_limits_is_done_again(unit: Unit) -> None:
    progress = unit.resume(vehicles=10, least_share=0.2)
    assert again(progress) == {"count"}
    assert unit.said == ["count: to be done again, for the limits were others"]
    unit.broken_off(progress)
    assert again(unit.resume(vehicles=10, least_share=0.2)) == set()
    assert again(unit.resume()) == {"count"}
    assert again(unit.resume(vehicles=10, least_share=0.2, alarm_seconds=60)) == {"alarm"}


def test_what_was_seen_in_a_former_view_is_done_again(unit: Unit) -> None:
    unit.aim("another view")
    assert again(unit.resume()) == {*SEEN}
    assert unit.said == ["view, alarm, count: to be done again, for the post was aimed again"]
    (unit.folder / "view.json").unlink()
    assert again(unit.resume()) == {*SEEN}


def test_all_is_done_again_with_what_is_another(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(unit.resume(digest="e")) == {*STEPS}
    assert again(unit.resume(technician="k-osei")) == {*STEPS}
    assert "r-alvarez did it" in unit.said[0]
    monkeypatch.setattr(module, "__version__", "9")
    assert again(unit.resume()) == {*STEPS}
    assert "the software has changed" in unit.said[0]


def test_what_a_former_version_kept_is_begun_anew(unit: Unit) -> None:
    (unit.folder / module.FILE).write_text('{"configuration": "d", "technician": "r-alvarez", "steps": {"count": []}}')
    assert again(unit.resume()) == {*STEPS}


def test_every_limit_is_of_a_step() -> None:
    of_steps = {name for names in ASKED.values() for name in names}
    assert of_steps | {"patience_seconds"} == set(AcceptanceCriteria.model_fields)
    assert {*ASKED, *SEEN} <= {*STEPS, "outage"}


@pytest.mark.parametrize("off", [timedelta(hours=-13), timedelta(days=30)])
def test_what_is_too_old_or_dated_by_a_clock_that_was_ahead_is_done_again(unit: Unit, off: timedelta) -> None:
    progress = unit.resume()
    (dated,) = (result.model_copy(update={"at": result.at + off}) for result in progress.steps["count"])
    progress.note(unit.folder, "count", [dated])
    assert again(unit.resume()) == {"count"}
