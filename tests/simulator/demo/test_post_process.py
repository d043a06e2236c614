import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from platepost.common.signals import Stopped, stop_on_signals
from platepost.simulator.demo import post_process
from platepost.simulator.demo.post_process import PostProcess
from platepost.simulator.errors import DemoError

HANGS = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_wrong_configuration_ends_with_the_reason(tmp_path: Path) -> None:
    configuration = tmp_path / "post.toml"
    configuration.write_text('[post]\nagency = "demo"\nname = "post-1"\nnmae = "x"\n')
    with PostProcess(configuration, log=tmp_path / "post.log") as post, pytest.raises(DemoError, match="nmae"):
        post.account()
    assert not post.running


def test_post_does_not_see_the_folder_in_which_the_command_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "device.py").write_text("raise SystemExit('the device of somebody else')\n")
    monkeypatch.chdir(tmp_path)
    with PostProcess(tmp_path / "none.toml", log=tmp_path / "post.log") as post, pytest.raises(DemoError) as caught:
        post.account()
    assert "none.toml" in str(caught.value)
    assert "somebody else" not in str(caught.value)


def test_post_that_hangs_is_ended(tmp_path: Path) -> None:
    with PostProcess(tmp_path / "post.toml", log=tmp_path / "post.log", command=HANGS) as post:
        assert post.running
    assert not post.running


def test_post_that_is_being_started_when_the_command_is_ended_does_not_outlive_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*words, **options))
        os.kill(os.getpid(), signal.SIGINT)  # before anyone but this function knows of the process
        return started[0]

    monkeypatch.setattr(post_process, "Popen", start)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in tests started with `&`
    try:
        with (
            pytest.raises(Stopped),
            stop_on_signals(),
            PostProcess(tmp_path / "post.toml", log=tmp_path / "post.log", command=HANGS) as post,
        ):
            post.account()
    finally:
        signal.signal(signal.SIGINT, before)
    assert started[0].poll() is not None


def test_account_is_the_last_line_that_the_post_printed(tmp_path: Path) -> None:
    account = {"frames": 3, "dropped": 1}
    command = [sys.executable, "-c", f"print('starting'); print({json.dumps(account)!r})"]
    with PostProcess(tmp_path / "post.toml", log=tmp_path / "post.log", command=command) as post:
        assert post.account() == account
