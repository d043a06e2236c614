import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from platepost.common.errors import HotListError
from platepost.device.commands.hotlist import hotlist
from platepost.device.hotlist.service import Installation
from platepost.device.hotlist.spool import FOLDER, PackageSpool
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.sealing import Epoch, seal_keys
from platepost.wire.hotlist import HotListRefused, HotListStore
from platepost.wire.hotlist.epochs import is_key_message
from platepost.wire.hotlist.package import PackageFile, load_key


class Unit:
    """A post's files, a stick, and the part of the post that takes what is handed over."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet.create(folder / "fleet", agency="demo")
        self.post = self.fleet.add_post("post-1", PostSettings(brokers=("127.0.0.1:1",), camera="footage"))
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.held = self.post / "state" / "hotlist"
        self.store = HotListStore(
            self.held,
            agency="demo",
            issuer_key=(self.post / "issuer_key.pem").read_bytes(),
            unseal_key=(self.post / "unseal_key.pem").read_bytes(),
        )

    def package(
        self, version: int, *, agency: str = "demo", name: str | None = None, epoch: Epoch | None = None
    ) -> Path:
        package = build_package(
            [HotListRow("7ABC123", "local", 5)],
            agency=agency,
            issuer="Demo",
            version=version,
            built=datetime.now(UTC),
            signing_key=self.fleet.list_signing_key.read_bytes(),
            post_keys=[self.fleet.recipient_key("post-1").read_bytes()],
            epoch=epoch,
        )
        path = self.stick / (name or f"{version}.package")
        path.write_bytes(package)
        return path

    def keys(self, *epochs: Epoch, post: ECKey | None = None, number: int = 1) -> None:
        signing, own = (
            load_key(path.read_bytes(), private=False)
            for path in (self.fleet.list_signing_key, self.fleet.recipient_key("post-1"))
        )
        to = post or own
        message = seal_keys(epochs, agency="demo", number=number, signing_key=signing, post_key=to)
        (self.stick / f"{to.thumbprint()}.keys").write_bytes(message)

    def hand(self, *words: str) -> Result:
        return CliRunner().invoke(hotlist, [str(self.stick), "--config", str(self.post / "post.toml"), *words])

    def install(self, package: PackageFile) -> Installation:
        try:
            if is_key_message(bytes(package)):
                return Installation(self.store.install_keys(bytes(package)).number, None, "keys")
            self.store.install(package)
        except HotListRefused as refusal:
            return Installation(None, refusal.reason.value, str(refusal))
        assert self.store.current is not None
        return Installation(self.store.current.version, None, f"version {self.store.current.version} is in force")


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


@pytest.fixture
def running(unit: Unit) -> Iterator[Unit]:
    spool = PackageSpool(unit.held, unit.install, look_seconds=0.01)
    spool.start()
    yield unit
    spool.stop()


def test_a_running_post_takes_what_is_on_the_stick_and_the_command_says_so(running: Unit) -> None:
    running.package(1)
    running.package(2)
    result = running.hand("--json")
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["said"] for line in result.stdout.splitlines()] == [
        "version 1 is in force",
        "version 2 is in force",
    ]
    again = running.hand("--json")
    assert again.exit_code == 0, "what is already active is no failure"
    assert [json.loads(line)["reason"] for line in again.stdout.splitlines()] == ["older", "repeated"]


def test_a_stick_has_the_keys_of_the_epoch_for_this_post_among_others(running: Unit) -> None:
    epoch = Epoch()
    running.package(1, epoch=epoch)
    refused = running.hand("--json")
    assert (refused.exit_code, json.loads(refused.stdout)["reason"]) == (1, "wrong_key")
    running.keys(epoch)
    running.keys(epoch, post=ECKey.generate_key("P-256"))
    taken = running.hand("--json")
    assert taken.exit_code == 0, taken.output
    assert sorted(json.loads(line)["said"] for line in taken.stdout.splitlines()) == ["keys", "version 1 is in force"]


def test_a_refusal_is_told_and_fails_the_command(running: Unit) -> None:
    running.package(2)
    assert running.hand().exit_code == 0
    (running.stick / "2.package").unlink()
    running.package(1)
    result = running.hand("--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["reason"] == "older"


def test_a_post_that_does_not_run_takes_it_later(unit: Unit) -> None:
    unit.package(1)
    result = unit.hand("--wait", "0")
    assert result.exit_code == 0
    assert "waits until the post runs" in result.stdout
    assert len(list((unit.held / FOLDER).iterdir())) == 1
    assert PackageSpool(unit.held, unit.install).install_new() == 1
    assert unit.store.current is not None


@pytest.mark.parametrize(("seconds", "code"), [("0", 0), ("0.2", 1)])
def test_a_running_post_that_does_not_take_it_is_not_one_that_does_not_run(
    unit: Unit, seconds: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "platepost.device.commands.hotlist.in_use", lambda path: path == unit.post / "state" / "outbox.db"
    )
    unit.package(1)
    result = unit.hand("--wait", seconds, "--json")
    assert result.exit_code == code, result.output
    said = json.loads(result.stdout)
    assert said["said"].startswith("the post runs")
    assert (said["taken"], said["waits"], said["reason"]) == (False, True, "not_taken")


@pytest.mark.parametrize("what", ["foreign", "forged", "damaged", "nothing"])
def test_what_the_post_would_refuse_is_not_even_laid_down(unit: Unit, what: str, tmp_path: Path) -> None:
    if what == "foreign":
        unit.package(1, agency="elsewhere")
    elif what == "damaged":
        path = unit.package(1)
        path.write_bytes(path.read_bytes()[:-1])
    elif what == "forged":
        other = Unit(tmp_path / "other")
        shutil.copy(other.package(1), unit.stick)
    result = unit.hand("--wait", "0")
    assert ("1.package" in str(result.exception)) == (what != "nothing"), "a stick may have many"
    assert not (unit.held / FOLDER).exists()


def test_help_has_examples(unit: Unit) -> None:
    assert "platepost hotlist /media/stick" in unit.hand("--help").output


def test_a_fifo_on_the_stick_is_refused_by_name_and_not_waited_for(unit: Unit) -> None:
    os.mkfifo(unit.stick / "9.package")
    result = unit.hand()
    assert isinstance(result.exception, HotListError)
    assert "9.package cannot be read: a FIFO, not a regular file" in str(result.exception)


def test_a_file_that_goes_on_after_the_package_is_refused_by_its_size(unit: Unit) -> None:
    os.truncate(unit.package(1), 1 << 40)  # sparse: anyone who read it all would end for want of memory
    result = unit.hand()
    assert isinstance(result.exception, HotListRefused)
    assert "continues after its end" in str(result.exception)
