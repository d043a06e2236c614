import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_mock import MockerFixture

from platepost.device.commands import run as module
from platepost.device.post import Account
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from tests.device.nobody import needs_root, place_of_nobody


class Ended(BaseException):
    """The process is no more."""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    return fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage")) / "post.toml"


@pytest.fixture
def ends(mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    mocker.patch.object(signal, "signal")
    mocker.patch.object(module.logging, "shutdown")
    return {
        "exit": mocker.patch.object(module.os, "_exit", side_effect=Ended),
        "exec": mocker.patch.object(module.os, "execv", side_effect=Ended),
        "post": mocker.patch.object(module, "Post"),
    }


def run(configuration: Path) -> Result:
    return CliRunner().invoke(module.run, ["--config", str(configuration)], catch_exceptions=True)


def account(**more: bool) -> Account:
    return Account(frames=0, dropped=0, reads=0, hits=0, withdrawn=0, undelivered=0, **more)


def test_under_systemd_a_camera_that_needs_a_new_process_ends_this_one(
    configuration: Path, ends: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    ends["post"].return_value.run.return_value = account(ailing=True)
    with pytest.raises(Ended):
        run(configuration)
    ends["exit"].assert_called_once_with(module.AILING)


@pytest.mark.parametrize("why", ["ailing", "restart"])
def test_without_it_the_process_begins_anew(configuration: Path, ends: dict[str, Any], why: str) -> None:
    ends["post"].return_value.run.return_value = account(**{why: True})
    with pytest.raises(Ended):
        run(configuration)
    ends["exec"].assert_called_once()
    ends["exit"].assert_not_called()


def test_a_post_that_was_told_to_stop_just_ends(configuration: Path, ends: dict[str, Any]) -> None:
    ends["post"].return_value.run.return_value = account()
    assert run(configuration).exit_code == 0
    ends["exec"].assert_not_called()
    ends["exit"].assert_not_called()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("camera.picamera2", "camera.picamera2.fps: unknown key"),
        ("board.rpi", "board.rpi.fps: unknown key"),
    ],
)
def test_the_check_looks_at_the_settings_of_camera_and_board_too(tmp_path: Path, table: str, said: str) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    settings = PostSettings(brokers=("localhost:1",), camera="picamera2", board="rpi", more={table: {"fps": 10}})
    file = fleet.add_post("post-1", settings) / "post.toml"
    result = CliRunner().invoke(module.run, ["--config", str(file), "--check"])
    assert said in str(result.exception)


@needs_root
def test_root_writes_nothing_among_the_service_s_files(configuration: Path, ends: dict[str, Any]) -> None:
    with place_of_nobody() as state:
        text = configuration.read_text(encoding="utf-8")
        configuration.write_text(text.replace("state/outbox.db", str(state / "outbox.db")), encoding="utf-8")
        result = run(configuration)
        assert "sudo systemctl start platepost" in str(result.exception)
        assert list(state.iterdir()) == []
    ends["post"].assert_not_called()
