"""What aim and accept refuse without having asked a person for their passphrase."""

import getpass
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from platepost.common.errors import PlatepostError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.keys import private_pem, read_private_key
from platepost.provisioning.trust.passphrase import PERSONAL_PASSPHRASE
from platepost.technician.commands.accept import accept
from platepost.technician.commands.aim import aim
from platepost.wire.records import Role

COMMANDS = (aim, accept)
HOLDS = """
import sys
from pathlib import Path
from platepost.device.config import load
from platepost.device.outbox.outbox import Outbox
with Outbox.of(load(Path(sys.argv[1])).outbox):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Give a fleet whose people have sealed keys, and no one at the terminal who knows a passphrase."""
    monkeypatch.delenv("PLATEPOST_PERSON_PASSPHRASE_FILE", raising=False)
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    for name, acceptance in (("post-1", True), ("post-2", False)):
        camera = {"path": "x"}
        settings = PostSettings(
            brokers=("localhost:1",), camera="footage", camera_settings=camera, acceptance=acceptance
        )
        fleet.add_post(name, settings)
    for name, role in (("r-alvarez", Role.TECHNICIAN), ("watcher", Role.OPERATOR)):
        key = fleet.add_operator(name, role) / "private_key.pem"
        key.write_bytes(private_pem(read_private_key(key), passphrase=b"correct horse battery staple"))
    PERSONAL_PASSPHRASE.forget()
    yield fleet
    PERSONAL_PASSPHRASE.forget()


@contextmanager
def running(configuration: Path, *words: str) -> Iterator[int]:
    command = [sys.executable, "-c", HOLDS, str(configuration), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.communicate()


def refusal(command: click.Command, fleet: Fleet, *words: str, who: str = "r-alvarez", post: str = "post-1") -> str:
    arguments = ["--config", str(fleet.post(post) / "post.toml"), "--as", str(fleet.operator(who)), *words]
    with pytest.raises(PlatepostError) as caught:
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    return str(caught.value)


def test_a_running_post_and_a_person_who_may_not_are_refused_before_the_passphrase_is_asked_for(fleet: Fleet) -> None:
    for command in COMMANDS:
        assert "no terminal to ask at" in refusal(command, fleet)
        assert "not as technician" in refusal(command, fleet, who="watcher")
    with running(fleet.post("post-1") / "post.toml"):
        for command in COMMANDS:
            assert "the post is running: stop it first" in refusal(command, fleet)


@pytest.mark.parametrize("other", ["aim", "accept"])
def test_a_session_whose_terminal_was_lost_is_named_with_what_ends_it(fleet: Fleet, other: str) -> None:
    with running(fleet.post("post-1") / "post.toml", other) as process:
        said = [refusal(command, fleet) for command in COMMANDS]
    for words in said:
        assert words.startswith(f"platepost {other} is open at this unit already")
        assert words.endswith(f"by sudo -u {getpass.getuser()} kill {process}")


def test_what_cannot_be_is_refused_before_it_too(fleet: Fleet) -> None:
    assert "needs no acceptance" in refusal(accept, fleet, post="post-2")
    assert "too few" in refusal(accept, fleet, "--limit", "vehicles=3")
    assert "every interface" in refusal(aim, fleet, "--address", "0.0.0.0")  # noqa: S104
