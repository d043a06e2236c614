import json
from pathlib import Path

import pytest

from simulator.demo import post_process
from simulator.demo.post_process import PostProcess
from simulator.errors import DemoError


def test_wrong_configuration_ends_with_the_reason(tmp_path: Path) -> None:
    configuration = tmp_path / "post.toml"
    configuration.write_text('[post]\nagency = "demo"\nname = "post-1"\nnmae = "x"\n')
    with PostProcess(configuration, log=tmp_path / "post.log") as post, pytest.raises(DemoError, match="nmae"):
        post.account()
    assert not post.running


def test_post_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_process, "_PROGRAM", "import time; time.sleep(600)")
    with PostProcess(tmp_path / "post.toml", log=tmp_path / "post.log") as post:
        assert post.running
    assert not post.running


def test_account_is_the_last_line_that_the_post_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"frames": 3, "dropped": 1}
    monkeypatch.setattr(post_process, "_PROGRAM", f"print('starting'); print({json.dumps(account)!r})")
    with PostProcess(tmp_path / "post.toml", log=tmp_path / "post.log") as post:
        assert post.account() == account
