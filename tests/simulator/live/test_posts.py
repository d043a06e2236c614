from pathlib import Path

import pytest

from platepost.simulator.live.posts import LivePost


def test_post_does_not_see_the_folder_in_which_the_page_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "device.py").write_text("raise SystemExit('the device of somebody else')\n")
    monkeypatch.chdir(tmp_path)
    post = LivePost("post-1", tmp_path / "none.toml", tmp_path / "none.mp4", place="Street", log=tmp_path / "post.log")
    post.start()
    post.join()
    log = (tmp_path / "post.log").read_text()
    assert "none.toml" in log
    assert "somebody else" not in log
