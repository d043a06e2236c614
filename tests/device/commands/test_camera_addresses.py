"""Commands that take the address of a camera where they take a file."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost import library
from platepost.device.cli import platepost as cli
from platepost.simulator.cli import simulate
from tests.conformance.cameras import PLATE, vehicle
from tests.standins.rtsp_server import RtspServer
from tests.standins.v4l2 import PATH, VideoSensor, plugged_in
from tests.waiting import until

PASSWORD = "pässwört/@:% 1"


@pytest.fixture(scope="module")
def server() -> Iterator[RtspServer]:
    running = RtspServer(vehicle(), password=PASSWORD).start()
    yield running
    running.stop()


@pytest.fixture
def login(tmp_path: Path) -> list[str]:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    return ["--camera-user", "viewer", "--camera-password-file", str(tmp_path / "password")]


def test_read_reads_a_picture_of_an_ip_camera(server: RtspServer, login: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["read", "--json", "--draw", str(tmp_path), *login, server.url])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["image"] == server.url
    assert [plate["text"] for plate in found["plates"]] == [PLATE]
    assert len(list(tmp_path.glob("*.jpg"))) == 1


@pytest.mark.parametrize("pixel_format", ["MJPG", "YUYV"])
def test_read_reads_a_picture_of_a_usb_camera_in_the_format_that_it_has(pixel_format: str) -> None:
    usb = VideoSensor(vehicle())
    usb.formats = {pixel_format: usb.formats[pixel_format]}
    with plugged_in(usb):
        done = CliRunner().invoke(cli, ["read", "--json", PATH])
    assert done.exit_code == 0, done.output
    assert [plate["text"] for plate in json.loads(done.stdout)["plates"]] == [PLATE]


def test_replay_reads_a_camera_for_some_time(server: RtspServer, login: list[str]) -> None:
    for seconds in ("2", "10", "50"):  # a busy machine reads in more time what a quiet one reads in two seconds
        done = CliRunner().invoke(simulate, ["replay", "--json", "--seconds", seconds, *login, server.url])
        assert done.exit_code == 0, done.output
        if PLATE in [json.loads(line)["text"] for line in done.stdout.splitlines()]:
            return
    pytest.fail("the plate was not read")


def test_the_library_reads_a_camera_until_it_fails(server: RtspServer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    reads = library.read_clip(server.url, user="viewer", password_file=str(tmp_path / "password"))
    sent = server.frames
    with ThreadPoolExecutor(1) as pool:
        hanging_up = pool.submit(lambda: (until(lambda: server.frames > sent + 20, "frames"), server.cut()))
        with pytest.raises(library.CameraError, match=r"127\.0\.0\.1"):
            list(reads)
        hanging_up.result()


@pytest.mark.parametrize(
    "command", [("read",), ("simulate", "replay"), ("simulate", "serve", "--directory", "/nowhere/x")]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*command, "rtsp://viewer:hunter2@192.0.2.1/stream"])
    assert done.exit_code != 0
    assert "must not be in the address" in f"{done.output} {done.exception}"
    assert "hunter2" not in f"{done.output} {done.exception}"


def test_a_refused_password_is_not_repeated(server: RtspServer, login: list[str], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2", encoding="utf-8")
    done = CliRunner().invoke(cli, ["read", *login, server.url])
    assert done.exit_code == 1
    assert "it refuses the user name or the password" in done.output
    assert "hunter2" not in done.output


def test_what_is_for_files_is_refused_for_a_camera(server: RtspServer) -> None:
    done = CliRunner().invoke(simulate, ["replay", "--fps", "10", server.url])
    assert done.exit_code == 2
    assert "are for files" in done.output
