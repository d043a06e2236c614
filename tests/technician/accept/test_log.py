"""What stands at the terminal between the questions, and what does not: the command as a person gives it."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.wire.records import Role

SECONDS = 60.0
PROGRAM = """
import logging, sys
from platepost.technician.commands import accept
from platepost.provisioning.errors import ProvisioningError
def accept_post(*_, **__):
    logging.getLogger("platepost.device.post").warning("state: not_accepted")
    raise ProvisioningError("the broker hung up")
accept.accept_post = accept_post
from platepost.device.cli import main
sys.exit(main())
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    camera = {"path": str(tmp_path / "clip.mp4")}
    fleet.add_post(
        "post-1", PostSettings(brokers=("localhost:1",), camera="footage", camera_settings=camera, acceptance=True)
    )
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    return fleet


def shown(fleet: Fleet, *before: str, terminal: bool) -> str:
    words = [*before, "accept", "--config", str(fleet.post("post-1") / "post.toml")]
    command = [sys.executable, "-c", PROGRAM, *words, "--as", str(fleet.operator("r-alvarez"))]
    if not terminal:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:  # it has ended
            pass
        assert process.wait(SECONDS) == 1
    os.close(ours)
    return said.decode()


def test_at_a_terminal_the_log_is_kept_in_a_file_and_the_error_is_shown(fleet: Fleet) -> None:
    said = shown(fleet, terminal=True)
    assert "state: not_accepted" not in said
    assert "platepost: the broker hung up" in said
    log = fleet.post("post-1") / "state" / "acceptance.log"
    assert "WARNING platepost.device.post: state: not_accepted" in log.read_text()


def test_in_a_pipe_or_for_who_asks_the_log_is_where_it_was(fleet: Fleet) -> None:
    for said in (shown(fleet, terminal=False), shown(fleet, "-v", terminal=True)):
        assert "WARNING platepost.device.post: state: not_accepted" in said
        assert "platepost: the broker hung up" in said
    assert not (fleet.post("post-1") / "state" / "acceptance.log").exists()


def test_a_link_in_its_place_is_not_followed(fleet: Fleet, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (fleet.post("post-1") / "state" / "acceptance.log").symlink_to(other)
    assert "the log cannot be written" in shown(fleet, terminal=True)
    assert not other.exists()


@pytest.mark.usefixtures("heeded")
def test_a_terminal_that_is_lost_breaks_off_as_ctrl_c_does(fleet: Fleet, tmp_path: Path) -> None:
    """By default it ends the process at once, and leaves lamp and status light as they were for the question."""
    closed = tmp_path / "closed"
    program = f"""
import sys
from pathlib import Path
from platepost.common.signals import sleep
from platepost.technician.commands import accept
def accept_post(*_, **__):
    try:
        print("at the question", flush=True)
        sleep({SECONDS})
    except KeyboardInterrupt:
        Path({str(closed)!r}).touch()
        raise
accept.accept_post = accept_post
from platepost.device.cli import main
sys.exit(main())
"""
    words = ["--config", str(fleet.post("post-1") / "post.toml"), "--as", str(fleet.operator("r-alvarez"))]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", program, "accept", *words])  # noqa: S606 - this very program
    said = b""
    while b"at the question\r\n" not in said:  # the end of the line is written by itself
        said += os.read(terminal, 4096)
    os.close(terminal)
    os.waitpid(pid, 0)
    assert closed.exists()
