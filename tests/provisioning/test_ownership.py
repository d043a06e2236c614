import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from provisioning.ownership import give_to_owner


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
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
