import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platepost.common.errors import ConfigurationError
from platepost.device.commands.decommission import decommission
from platepost.device.config import load
from platepost.device.enrollment import tpm, wipe
from platepost.device.enrollment.unit import UnitEnrollment
from platepost.device.outbox.outbox import Outbox
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.wire.enrollment.errors import DecommissionError
from platepost.wire.records import Audit, Keyring, Recorder
from platepost.wire.records.parts import ClockQuality
from platepost.wire.verify.verify import Verifier
from tests.thorough import THOROUGH

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
WHO = ("--person", "R. Alvarez", "--purpose", "pole removed")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))


@pytest.fixture
def file(fleet: Fleet) -> Path:
    """A post's configuration; no broker is there."""
    settings = PostSettings(brokers=("127.0.0.1:1",), camera="footage", camera_settings={}, board="virtual")
    return fleet.add_post("post-1", settings) / "post.toml"


def leave(file: Path, *more: str, typed: str | None = None) -> Result:
    words = ["--config", str(file), "--wait", "0", *WHO, *more]
    return CliRunner().invoke(decommission, words, input=typed)


def wait_in_outbox(file: Path, number: int) -> None:
    configuration = load(file)
    source = configuration.post.source
    with Outbox.of(configuration.outbox) as outbox:
        clock = ClockQuality(source="kernel", synchronised=False)
        recorder = Recorder.of(configuration.records, outbox, source, now=lambda: NOW)
        for _ in range(number):
            audit = Audit(
                clock=clock, action="boot", occurred=NOW, where="post-1", source="post", outcome="success", identity="x"
            )
            recorder.record(audit)


def keys_in(folder: Path) -> list[Path]:
    """Return the files with a private key, or with what opens the outbox."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if b"PRIVATE KEY" in path.read_bytes() or path.name == "outbox.key"]


def test_nothing_is_left_but_the_signed_last_record_and_no_command_starts(fleet: Fleet, file: Path) -> None:
    state = load(file).outbox.path.parent
    wait_in_outbox(file, 1)
    (state / "recordings").mkdir(exist_ok=True)
    (state / "recordings" / "one.sealed").write_bytes(b"sealed")
    assert keys_in(file.parent)

    result = leave(file, "--yes", "--lose-records", "1", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == {"last_record": "not_delivered", "records_lost": 1, "to_do": []}
    assert keys_in(file.parent) == []
    assert list(state.iterdir()) == []
    assert not file.exists()
    body = (file.parent / "decommissioned.json").read_bytes()
    last = json.loads(body)
    assert last["data"]["action"] == "decommissioned"
    assert last["data"]["identity"] == "R. Alvarez"
    assert (last["data"]["details"]["purpose"], last["data"]["details"]["records_lost"]) == ("pole removed", 1)
    report = Verifier(Keyring.from_files(fleet.record_key("post-1"))).feed_all([body])
    assert {problem.kind for problem in report.problems} <= {"missing"}, "signed by the post, and second in its chain"
    with pytest.raises(ConfigurationError, match=r"taken out of service on 20..-..-.. by R\. Alvarez"):
        load(file)
    again = leave(file, "--yes")
    assert isinstance(again.exception, DecommissionError)
    assert "already" in str(again.exception)


def test_records_that_nobody_else_has_are_not_wiped_unless_as_many_are_named(file: Path) -> None:
    wait_in_outbox(file, 3)
    before = sorted(path for path in file.parent.rglob("*"))
    for more in ((), ("--lose-records", "2")):
        result = leave(file, "--yes", *more)
        assert isinstance(result.exception, DecommissionError)
        assert "--lose-records 3" in str(result.exception)
    assert set(before) <= set(file.parent.rglob("*"))
    with Outbox.of(load(file).outbox) as outbox:
        assert outbox.unreleased() == 3, "no last record was made"


def test_it_asks_and_no_leaves_all_as_it_was(file: Path) -> None:
    result = leave(file, typed="n\n")
    assert result.exit_code == 1
    assert "wipes post-1 of demo" in result.output
    assert load(file)
    assert keys_in(file.parent)


def test_a_running_post_is_to_be_stopped_first(file: Path) -> None:
    with Outbox.of(load(file).outbox):
        result = leave(file, "--yes")
    assert isinstance(result.exception, DecommissionError)
    assert "stop it first" in str(result.exception)
    assert keys_in(file.parent)


def test_what_a_power_cut_left_is_wiped_by_the_same_command(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> list[Path]:
        raise OSError("power")

    with monkeypatch.context() as patched:
        patched.setattr(wipe, "_empty", cut)
        assert leave(file, "--yes").exit_code == 1
    assert load(file, wiping=True)
    with pytest.raises(ConfigurationError, match="taken out of service"):
        load(file)

    result = leave(file)  # nothing is asked: the unit is none any more

    assert result.exit_code == 0, result.output
    assert keys_in(file.parent) == []
    assert not file.exists()


@pytest.mark.parametrize("cut", range(20) if THOROUGH else (0, 4, 9, 14))
def test_wherever_the_power_fails_the_same_command_finishes(
    fleet: Fleet, file: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    recordings = load(file).recording.directory
    recordings.mkdir(exist_ok=True)
    for number in range(10):
        (recordings / f"{number}.sealed").write_bytes(b"sealed")
    deleted = 0

    def unlink(path: Path, **_: bool) -> None:
        nonlocal deleted
        deleted += (file.parent / "decommissioned.json").exists()
        if deleted > cut:
            raise KeyboardInterrupt
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - the method itself is replaced

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlink)
        leave(file, "--yes")
    assert deleted == cut + 1, "the power failed before the command was done"
    assert leave(file).exit_code == 0
    assert keys_in(file.parent) == []
    assert not file.exists()


def test_a_folder_that_holds_more_than_a_post_is_not_emptied(file: Path) -> None:
    text = file.read_text()
    directory = load(file).hotlist.directory
    file.write_text(
        text.replace(next(line for line in text.splitlines() if line.startswith("directory")), 'directory = "/etc"', 1)
    )
    assert load(file).hotlist.directory != directory
    result = leave(file, "--yes")
    assert isinstance(result.exception, DecommissionError)
    assert "/etc contains other files" in str(result.exception)
    assert keys_in(file.parent)


def test_a_unit_out_of_service_can_be_enrolled_anew(file: Path) -> None:
    assert leave(file, "--yes").exit_code == 0
    unit = UnitEnrollment(file.parent)
    assert unit.post is None
    unit.begin("post-2")
    with pytest.raises(ConfigurationError, match="no such file"):
        load(file)


def test_a_unit_whose_new_enrollment_was_cut_off_at_its_beginning_is_out_of_service_no_more(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leave(file, "--yes").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr("platepost.device.enrollment.unit.flush_folder", power_fails)
        with pytest.raises(KeyboardInterrupt):
            UnitEnrollment(file.parent).begin("post-2")
    assert UnitEnrollment(file.parent).begin("post-2").post == "post-2"
    with pytest.raises(ConfigurationError, match="no such file"):
        load(file)


def power_fails(_folder: Path) -> None:
    raise KeyboardInterrupt


def test_a_key_in_a_token_is_named(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("pkcs11:object=post-1")
    (remark,) = wipe.wipe(wipe.Leavings(keys=(key,), folders=(), files=()), keep=tmp_path / "mark")
    assert "PKCS #11" in remark
    assert not key.exists()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("80010000000a0000098e", "its lockout hierarchy has a password"),
        ("80010000000a00000101", "code 0x101"),
        ("", "does not respond"),
    ],
)
def test_a_tpm_that_was_not_cleared_is_named_with_the_key_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, why: str
) -> None:
    monkeypatch.setattr(tpm, "_ask_device", lambda _command: bytes.fromhex(answer))
    key = tmp_path / "private_key.pem"
    key.write_text("-----BEGIN TSS2 PRIVATE KEY-----")
    (remark,) = wipe.wipe(wipe.Leavings(keys=(key,), folders=(), files=()), keep=tmp_path / "mark")
    assert "private_key.pem referred to a key in the TPM, which was not cleared" in remark
    assert why in remark
    assert "tpm2_clear" in remark
    assert not key.exists()


def test_a_tpm_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpm, "TPM", tmp_path / "tpmrm0")
    with pytest.raises(tpm.TpmNotClearedError, match="tpmrm0: No such file"):
        tpm.clear_tpm()


def test_a_key_that_systemd_delivers_is_named_and_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    key = tmp_path / "platepost_signing_key.pem"
    key.write_text("key")
    (remark,) = wipe.wipe(wipe.Leavings(keys=(key,), folders=(), files=()), keep=tmp_path / "mark")
    assert "delivered by systemd" in remark
    assert key.exists()


def test_what_cannot_be_deleted_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "inside").touch()
    with pytest.raises(DecommissionError, match="could not be deleted"):
        wipe.wipe(wipe.Leavings(keys=(tmp_path / "key",), folders=(), files=()), keep=tmp_path / "mark")
