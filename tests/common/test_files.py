import os
import stat
from pathlib import Path

import pytest
from pydantic import BaseModel, Field
from pytest_mock import MockerFixture

from platepost.common.files import StateFile, as_owner_of, give_to_owner, keep_newest, read_toml
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


def test_toml_may_come_from_an_editor_on_windows(tmp_path: Path) -> None:
    written = tmp_path / "post.toml"
    written.write_bytes(b'\xef\xbb\xbf[post]\r\nsite = "Main St"\r\n')
    assert read_toml(written) == {"post": {"site": "Main St"}}


def lay(path: Path, *, after: Path | None) -> Path:
    """Make a file later than another, by the disk's clock, which goes in steps of some milliseconds."""
    path.touch()
    while after is not None and path.lstat().st_ctime_ns <= after.lstat().st_ctime_ns:
        path.unlink()
        path.touch()
    return path


def test_the_newest_stay_whatever_their_names_say(tmp_path: Path) -> None:
    laid: list[Path] = []
    for year in (2030, 2026, 2027, 2025):  # of clocks that were wrong
        laid.append(lay(tmp_path / f"left.{year}", after=laid[-1] if laid else None))
    keep_newest(tmp_path.glob("left.*"), 5)
    assert sorted(tmp_path.iterdir()) == sorted(laid)
    keep_newest(tmp_path.glob("left.*"), 2)
    assert sorted(tmp_path.iterdir()) == sorted(laid[2:])


def test_one_that_cannot_be_removed_stays_and_hinders_no_other(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("link", "file"):
        (tmp_path / name).touch()
    keep_newest([tmp_path / name for name in ("file", "folder", "link")], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


class Counted(BaseModel):
    times: int = Field(default=0, ge=0)
    last: str | None = None


def test_state_comes_back_as_it_was_kept_and_nothing_that_is_none_is_written(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "new" / "counted.json", Counted)
    assert state.read() is None
    state.write(Counted(times=3))
    assert (tmp_path / "new" / "counted.json").read_bytes() == b'{"times":3}'
    state.keep(Counted(times=4, last="now"))
    assert state.read() == state.recall() == Counted(times=4, last="now")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["counted.json"]
    assert stat.S_IMODE((tmp_path / "new" / "counted.json").stat().st_mode) == 0o600


def test_without_a_path_nothing_is_kept() -> None:
    state = StateFile(None, Counted)
    state.keep(Counted(times=3))
    assert state.recall() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"times": -1}', b"\xff", b"null"])
def test_damaged_state_is_refused_in_one_line_or_taken_for_none_and_logged(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = StateFile(tmp_path / "counted.json", Counted, about="the counter")
    (tmp_path / "counted.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"^counted\.json is damaged$"):
        state.read()
    assert state.recall() is None
    assert caplog.messages == ["the counter cannot be read: counted.json is damaged"]


def test_disk_that_takes_and_gives_nothing_is_told_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    state = StateFile(tmp_path / "file" / "counted.json", Counted, about="the counter")
    with pytest.raises(OSError, match="Not a directory"):
        state.read()
    with pytest.raises(OSError, match="file"):
        state.write(Counted())
    state.keep(Counted())
    assert state.recall() is None
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "the counter cannot be kept",
        "the counter cannot be read",
    ]
