import base64
import errno
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet import backup
from platepost.provisioning.fleet.backup import open_fleet, seal_fleet
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.rotation import rehearsed
from platepost.wire.records import Role

PHRASE = b"correct horse battery"
ITERATIONS = backup.ITERATIONS
"""A fifth of a second of a core for each backup that is sealed or opened."""


@pytest.fixture(autouse=True)
def fewer_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make keys of passphrases soon; one test has them made as they are."""
    monkeypatch.setattr(backup, "ITERATIONS", 1000)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",)))
    return fleet


def files(directory: Path) -> dict[str, tuple[bytes, int]]:
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in paths}


def test_fleet_comes_back_whole_and_private(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "ITERATIONS", ITERATIONS)
    (fleet.directory / "much").write_bytes(os.urandom(300_000))
    (fleet.directory / "much").chmod(0o600)
    sealed = seal_fleet(fleet, PHRASE)
    header = json.loads(base64.urlsafe_b64decode(sealed.partition(b".")[0] + b"=="))
    assert header["p2c"] >= 210_000
    back = open_fleet(sealed, PHRASE, tmp_path / "back")
    assert files(back.directory) == files(fleet.directory)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in back.directory.rglob("*") if path.is_dir())
    assert back.open_authority().certificate == fleet.open_authority().certificate


def test_who_is_called_as_what_is_left_out_is_in_it_too(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add_post("state", PostSettings(brokers=("localhost:8883",)))
    fleet.add_subscriber("built")
    for kept in ("broker/state/mosquitto.db", "posts/state/state/outbox", "hotlist/built/1.complete"):
        path = fleet.directory / kept
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"large")

    back = open_fleet(seal_fleet(fleet, PHRASE), PHRASE, tmp_path / "back")

    with rehearsed(fleet) as copy:
        for one in (back, copy):
            assert (one.posts(), one.subscribers()) == (("post-1", "state"), ("built",))
            assert not [path for path in one.directory.rglob("*") if path.is_file() and path.read_bytes() == b"large"]
    assert (back.directory / "broker" / "state").is_dir()


def test_backup_of_a_fleet_that_was_made_for_nats_comes_back_without_its_files(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fleet.directory / "broker" / "nats").mkdir()
    (fleet.directory / "broker" / "nats" / "nats.conf").write_text("mqtt {}")
    with monkeypatch.context() as earlier:
        earlier.setattr("platepost.provisioning.fleet.backup.is_left_out", lambda _folder: False)
        sealed = seal_fleet(fleet, PHRASE)
    back = open_fleet(sealed, PHRASE, tmp_path / "back")
    assert back.posts() == ("post-1",)
    assert not (back.directory / "broker" / "nats").exists()


def test_nothing_that_lies_beside_it_is_touched(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "back.new").mkdir()
    (tmp_path / "back.new" / "fleet.json").write_text("of another fleet")
    open_fleet(seal_fleet(fleet, PHRASE), PHRASE, tmp_path / "back")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "back.new", "fleet"]
    assert (tmp_path / "back.new" / "fleet.json").read_text() == "of another fleet"


def test_no_key_is_in_it_in_clear(fleet: Fleet) -> None:
    sealed = seal_fleet(fleet, PHRASE)
    for path in fleet.directory.rglob("*key*.pem"):
        body = path.read_bytes().splitlines()[1]
        assert body not in sealed
    assert b"PRIVATE KEY-----" not in sealed


@pytest.mark.parametrize("fault", ["passphrase", "changed", "cut off", "empty"])
def test_what_does_not_open_leaves_nothing(fleet: Fleet, tmp_path: Path, fault: str) -> None:
    sealed = seal_fleet(fleet, PHRASE)
    damaged = {"changed": sealed[:-40] + b"A" * 40, "cut off": sealed[: len(sealed) // 2], "empty": b""}
    sealed = damaged.get(fault, sealed)
    with pytest.raises(ProvisioningError, match="cannot be decrypted"):
        open_fleet(sealed, b"another passphrase" if fault == "passphrase" else PHRASE, tmp_path / "back")
    assert not list(tmp_path.glob("back*"))


@pytest.fixture
def phrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_bytes(PHRASE)
    phrase.chmod(0o600)
    monkeypatch.setenv("PLATEPOST_BACKUP_PASSPHRASE_FILE", str(phrase))


@pytest.mark.usefixtures("phrase")
def test_backup_that_cannot_be_written_is_not_said_to_be_made(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(path: Path) -> None:
        arguments = ["fleet", "backup", str(fleet.directory), str(path), "--purpose", "monthly"]
        with pytest.raises(ProvisioningError, match="the backup cannot be written: "):
            CliRunner().invoke(provision, arguments, catch_exceptions=False)

    attempt(tmp_path / "missing" / "fleet.backup")
    assert list(fleet.acts) == []

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("platepost.provisioning.commands.backup.replace_private", full)
    attempt(tmp_path / "fleet.backup")
    assert [act.outcome for act in fleet.acts] == ["success", "failure"]
    assert not (tmp_path / "fleet.backup").exists()


@pytest.mark.usefixtures("phrase")
def test_backup_that_is_broken_off_leaves_no_file_and_is_logged_so(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(fleet: Fleet, passphrase: bytes) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("platepost.provisioning.commands.backup.seal_fleet", broken_off)
    path = tmp_path / "fleet.backup"
    arguments = ["fleet", "backup", str(fleet.directory), str(path), "--purpose", "monthly"]
    assert CliRunner().invoke(provision, arguments).exit_code == 1
    assert not path.exists()
    assert [act.outcome for act in fleet.acts] == ["success", "failure"]


@pytest.mark.usefixtures("phrase")
def test_commands_write_a_private_file_and_take_it_back(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "fleet.backup"
    made = ["fleet", "backup", str(fleet.directory), str(path), "--purpose", "monthly"]
    result = CliRunner().invoke(provision, made, catch_exceptions=False)
    assert result.exit_code == 0
    assert f"The log of acts goes to {fleet.acts.head}: note that down" in result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ProvisioningError, match="not overwritten"):
        CliRunner().invoke(provision, made, catch_exceptions=False)
    back = ["fleet", "restore", str(path), str(tmp_path / "back"), "--purpose", "a new disk"]
    assert "with 1 posts" in CliRunner().invoke(provision, back, catch_exceptions=False).output
    assert [act.action for act in Fleet.load(tmp_path / "back").acts] == ["fleet_backed_up", "fleet_restored"]
    with pytest.raises(ProvisioningError, match="already exists"):
        CliRunner().invoke(provision, back, catch_exceptions=False)


@pytest.mark.usefixtures("phrase")
def test_who_may_not_act_on_a_fleet_may_not_restore_it(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "fleet.backup"
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    path.write_bytes(seal_fleet(fleet, PHRASE))
    restore = ["fleet", "restore", str(path), str(tmp_path / "back"), "--purpose", "why not", "--as"]
    for who in ("r-alvarez", "nobody"):
        with pytest.raises(ProvisioningError, match=r"this command requires: administrator|neither a person"):
            CliRunner().invoke(provision, [*restore, who], catch_exceptions=False)
        assert sorted(one.name for one in tmp_path.iterdir()) == ["fleet", "fleet.backup", "phrase"]
    fleet.people.expire("j-stone", datetime.now(UTC))
    path.write_bytes(seal_fleet(fleet, PHRASE))
    assert CliRunner().invoke(provision, [*restore, "nobody"], catch_exceptions=False).exit_code == 0
