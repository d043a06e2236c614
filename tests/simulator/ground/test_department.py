"""A throw-away department is taken down whole though Ctrl-C is pressed meanwhile."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from platepost.common.signals import Stop, stop_on_signals
from platepost.simulator.ground.department import ThrowawayDepartment, department_folder


@pytest.fixture(autouse=True)
def stop() -> Iterator[Stop]:
    """Have signals handled as in every command of the simulator."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with stop_on_signals() as given:
        yield given
    signal.signal(signal.SIGINT, before)


def press_ctrl_c(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGINT)


def test_its_folder_goes_though_ctrl_c_comes_meanwhile(monkeypatch: pytest.MonkeyPatch, stop: Stop) -> None:
    removed = shutil.rmtree

    def remove(folder: Path, **_: object) -> None:
        press_ctrl_c()
        assert stop.wait(10)
        removed(folder)

    monkeypatch.setattr(shutil, "rmtree", remove)
    with department_folder() as folder:
        folder.mkdir()
    assert not folder.parent.exists()


def test_its_database_ends_though_ctrl_c_comes_while_the_keeper_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stop: Stop
) -> None:
    department = ThrowawayDepartment(tmp_path, Mock(), "records", brokers=(), log=tmp_path / "log")
    monkeypatch.setattr(department, "stop", press_ctrl_c)
    department.database = Mock()
    department.close()
    department.database.stop.assert_called_once_with()
    assert stop.wait(10)
