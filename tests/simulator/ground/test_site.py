from pathlib import Path
from unittest.mock import Mock

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.errors import SimulatorError
from platepost.simulator.ground.site import throwaway_fleet


def test_a_fleet_whose_making_was_broken_off_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Fleet, "write_access_list", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            throwaway_fleet(tmp_path / "fleet", agency="demo")
    made = throwaway_fleet(tmp_path / "fleet", agency="demo", subscribers=("console",))
    assert throwaway_fleet(tmp_path / "fleet", agency="demo").subscribers() == made.subscribers()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SimulatorError, match=r"file/fleet: cannot be written \("):
        throwaway_fleet(tmp_path / "file" / "fleet", agency="demo")
