import os
import stat
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from device.ownership import as_owner_of, give_to_owner
from tests.device.nobody import NOBODY, needs_root, place_of_nobody


@needs_root
def test_what_root_leaves_in_a_post_s_state_is_the_post_s(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "below").mkdir(parents=True)
    (state / "view.json").write_text("{}")
    (state / "below" / "file").write_text("")
    os.chown(state, 1234, 1235)
    give_to_owner(state)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in state.rglob("*")} == {(1234, 1235)}


def test_others_give_nothing_away(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(os, "geteuid", return_value=1000)
    given = mocker.patch.object(os, "lchown")
    (tmp_path / "file").write_text("")
    give_to_owner(tmp_path)
    given.assert_not_called()


@needs_root
def test_what_root_makes_as_a_post_is_the_post_s_and_root_is_root_again() -> None:
    with place_of_nobody() as state:
        folder = state / "hotlist" / "handed"
        with as_owner_of(folder):
            folder.mkdir(parents=True)
        assert {(path.stat().st_uid, path.stat().st_gid) for path in state.rglob("*")} == {(NOBODY, NOBODY)}
        assert (os.geteuid(), os.getegid()) == (0, 0)


@needs_root
def test_a_link_that_the_post_s_user_laid_leads_root_nowhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with place_of_nobody() as state:
        (state / "handed").symlink_to(tmp_path)
        with pytest.raises(PermissionError), as_owner_of(state):
            (state / "handed" / "file").write_text("")


def test_others_work_as_themselves(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(os, "geteuid", return_value=1000)
    changed = mocker.patch.object(os, "seteuid")
    with as_owner_of(tmp_path):
        (tmp_path / "file").write_text("")
    changed.assert_not_called()
    assert stat.S_ISREG((tmp_path / "file").stat().st_mode)
