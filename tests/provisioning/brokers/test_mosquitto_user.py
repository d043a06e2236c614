"""Whose the broker's files are in a fleet that root makes."""

import os
import pwd
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.brokers import mosquitto_user
from platepost.provisioning.cli import provision
from platepost.provisioning.fleet.backup import open_fleet, seal_fleet
from platepost.provisioning.fleet.fleet import Fleet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root is missing: run the tests as root")
SOMEBODY = pwd.getpwnam("nobody")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto_user, "USER", SOMEBODY.pw_name)


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in (folder, *folder.rglob("*"))}


def made(directory: Path) -> tuple[Fleet, str]:
    """Make a fleet as the command does; return it and what was printed."""
    arguments = ["fleet", "init", str(directory), "--agency", "riverside", "--no-passphrase"]
    result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return Fleet.load(directory), result.output


@pytest.mark.usefixtures("known")
def test_the_broker_s_folder_is_its_user_s_alone_and_stays_so(tmp_path: Path) -> None:
    fleet, _ = made(tmp_path / "fleet")
    broker = fleet.directory / "broker"
    assert "\nuser " not in (broker / "mosquitto.conf").read_text()
    assert owners(broker) == {SOMEBODY.pw_uid}
    assert {stat.S_IMODE(path.stat().st_mode) for path in broker.rglob("*") if path.is_file()} == {0o600}
    through = fleet.directory.stat()
    assert (stat.S_IMODE(through.st_mode), through.st_uid, through.st_gid) == (0o710, 0, SOMEBODY.pw_gid)
    others = [path for path in fleet.directory.iterdir() if path != broker]
    assert {owner for path in others for owner in owners(path)} == {0}
    assert not any(path.stat().st_mode & 0o077 for path in others)

    fleet.add_subscriber("dispatch")
    fleet.revoke_certificates("dispatch", "left", authority=fleet.open_authority())
    fleet.write_broker_certificate(fleet.open_authority())
    assert owners(broker) == {SOMEBODY.pw_uid}, "what is written later too"

    phrase = b"correct horse battery"
    restored = open_fleet(seal_fleet(fleet, phrase), phrase, tmp_path / "restored")
    assert owners(restored.directory / "broker") == {SOMEBODY.pw_uid}


@pytest.mark.usefixtures("known")
def test_a_folder_that_the_user_cannot_reach_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    _, said = made(tmp_path / "fleet")
    folders = (*reversed(tmp_path.parents), tmp_path)  # pytest's own are closed, at a depth that its workers change
    closed = next(folder for folder in folders if not folder.stat().st_mode & stat.S_IXOTH)
    assert f"The user 'nobody', which a mosquitto that root starts becomes, cannot enter {closed}" in said


def test_where_there_is_no_such_user_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto_user, "USER", "no-such-user")
    fleet, said = made(tmp_path / "fleet")
    broker = fleet.directory / "broker"
    assert "\nuser " not in (broker / "mosquitto.conf").read_text()
    assert f"chown -R no-such-user {broker}" in said
    assert owners(broker) == {0}
