"""The commands, as an administrator and a technician give them."""

import errno
import json
import os
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from platepost.common.errors import ConfigurationError, PlatepostError
from platepost.device.cli import platepost
from platepost.device.commands.enroll import _next, enroll
from platepost.device.enrollment.unit import UnitEnrollment
from platepost.provisioning.cli import provision
from platepost.provisioning.commands.enroll import _attend
from platepost.provisioning.enrollment.codes import Code, Codes
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.people.person import NotCertifiedError
from platepost.wire.enrollment.errors import EnrollmentError
from tests.device.nobody import needs_root, nobody, place_of_nobody
from tests.provisioning.enrollment.conftest import Department


class EndOfTestError(Exception):
    """Ends what goes on for ever."""


CAMERA = ("--camera", "footage", "--camera-setting", "path=clip.mp4")


def run(command: click.Command, *arguments: object, typed: str | None = None, code: int = 0) -> str:
    texts = [str(argument) for argument in arguments]
    result = CliRunner().invoke(command, texts, input=typed, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def invited(fleet: Fleet, post: str, *more: str) -> str:
    options = ("--technician", "r-alvarez", "--as", "j-stone", "--purpose", "work order 7731", "--json")
    said = json.loads(run(provision, "post", "invite", fleet.directory, post, *CAMERA, *options, *more))
    return str(said["code"])


def test_technician_gives_one_command_and_one_answer(department: Department) -> None:
    code = invited(department.fleet, "post-17")
    folder = department.directory / "unit"
    output = run(enroll, "post-17", f"localhost:{department.port}", "--directory", folder, typed=code.lower() + "\n")
    told = f"This unit is post-17. Next: sudo platepost aim --config {folder}/post.toml --as FOLDER --address ADDRESS\n"
    assert told in output
    assert "192.168.50.1" in output
    assert UnitEnrollment(folder).post == "post-17"
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = run(enroll, "post-17", f"localhost:{department.port}", "--directory", folder)
    assert "Code" not in again
    leave = f"sudo platepost decommission --config {folder}/post.toml"
    assert "This unit is post-17 already" in again
    assert f"take it out of service first: {leave}). Next: sudo platepost aim" in again
    with pytest.raises(EnrollmentError, match=f"this unit is post-17 already.*{leave}"):
        run(enroll, "post-18", f"localhost:{department.port}", "--directory", folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("address", ["192.168.50.1", "unit.local"])
def test_what_comes_next_asks_for_no_address_that_the_configuration_has(tmp_path: Path, address: str) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    files = fleet.add_post(
        "post-1",
        PostSettings(
            brokers=("localhost:1",),
            camera="footage",
            camera_settings={"path": "x"},
            more={"service": {"address": address}},
        ),
    )
    assert "--as FOLDER\nFOLDER has your certificate and key." in _next(files)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--camera", "picamera2", "--camera-setting", "fastest_kph=80"), "unknown key; did you mean 'fastest_kmh'"),
        (("--camera", "picamera2", "--camera-setting", "day_shutter_microseconds=9000"), "plates would blur"),
        (("--camera", "footage", "--camera-setting", "path=clip.mp4", "--camera-setting", "pace=slow"), "'fast'"),
        (("--camera", "footage"), r"camera\.footage\.path: missing"),
        ((*CAMERA, "--board", "rpi", "--board-setting", "tamper_pin=99"), r"board\.rpi\.tamper_pin = 99"),
        ((*CAMERA, "--board", "virtual", "--board-setting", "tamper_pin=4"), r"board\.virtual.*tamper_pin"),
        ((*CAMERA, "--broker", "broker.example"), r"uplink\.brokers\.0 = 'broker.example'"),
    ],
    ids=["typo", "blurs", "pace", "missing", "pin", "no settings", "no port"],
)
def test_no_code_is_issued_for_what_the_unit_would_refuse(
    department: Department, words: tuple[str, ...], said: str
) -> None:
    options = ("--technician", "r-alvarez", "--as", "j-stone", "--purpose", "work order 7731")
    acts = len(list(department.fleet.acts))
    with pytest.raises(ConfigurationError, match=said):
        run(provision, "post", "invite", department.fleet.directory, "post-17", *words, *options)
    assert Codes(department.fleet.enrollment / "codes").of("post-17") is None
    assert len(list(department.fleet.acts)) == acts


def test_stick_carries_request_and_answer(department: Department, tmp_path: Path) -> None:
    stick, folder = tmp_path / "stick", tmp_path / "unit"
    stick.mkdir()
    code = invited(department.fleet, "post-17")
    arguments = ("post-17", "--stick", stick, "--directory", folder)
    assert "take it to the office" in run(enroll, *arguments, typed=code + "\n")
    assert "take it to the office" in run(enroll, *arguments), "asked for once only"
    sticks = ("enroll-offline", department.fleet.directory, stick, "--as", "j-stone", "--purpose", "no network there")
    assert "post-17: enrolled" in run(provision, *sticks)
    assert "No request waits" in run(provision, *sticks)
    assert "This unit is post-17" in run(enroll, *arguments)
    assert UnitEnrollment(folder).post == "post-17"
    for path in stick.iterdir():
        assert b"PRIVATE" not in path.read_bytes()
        assert code.encode() not in path.read_bytes()


@pytest.mark.parametrize("fault", ["wrong code", "late code", "changed request", "changed answer", "someone else"])
def test_stick_that_is_not_right_is_refused_with_the_reason(department: Department, tmp_path: Path, fault: str) -> None:
    stick, folder = tmp_path / "stick", tmp_path / "unit"
    stick.mkdir()
    code = invited(department.fleet, "post-17")
    typed = "0000-0000-0000-0000" if fault == "wrong code" else code
    arguments = ("post-17", "--stick", stick, "--directory", folder)
    run(enroll, *arguments, typed=typed + "\n")
    if fault == "changed request":
        (stick / "post-17.p10").write_bytes(b"AAAA" + (stick / "post-17.p10").read_bytes()[4:])
    if fault == "late code":
        codes = Codes(department.fleet.enrollment / "codes")
        codes._write(_late(codes))
    sticks = ("enroll-offline", department.fleet.directory, stick, "--as", "j-stone", "--purpose", "no network there")
    refused = fault in {"wrong code", "late code", "changed request"}
    output = run(provision, *sticks, code=1 if refused else 0)
    if fault == "changed answer":
        path = stick / "post-17.configuration.json"
        path.write_text(path.read_text().replace("localhost", "elsewhere"))
    if fault == "someone else":
        (stick / "post-17.answer.seal").write_text("00" * 32)

    with pytest.raises(EnrollmentError) as caught:
        run(enroll, *arguments)

    assert UnitEnrollment(folder).post is None
    if refused:
        assert str(caught.value).removeprefix("the office refused: ") in output
        assert "post-17" not in department.fleet.posts()
        run(enroll, *arguments, typed=invited(department.fleet, "post-17") + "\n")
        run(provision, *sticks)
        assert "This unit is post-17" in run(enroll, *arguments)
    else:
        assert "does not bear the seal" in str(caught.value)


def _late(codes: Codes) -> Code:
    code = codes.of("post-17")
    assert code is not None
    return code.model_copy(update={"expires": datetime.now(UTC) - timedelta(minutes=1)})


@pytest.mark.parametrize("days", [-400, 4000])
def test_clock_of_a_unit_without_network_is_set_by_the_office_s_answer(
    department: Department, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    stick, folder = tmp_path / "stick", tmp_path / "unit"
    stick.mkdir()
    arguments = ("post-17", "--stick", stick, "--directory", folder)
    run(enroll, *arguments, typed=invited(department.fleet, "post-17") + "\n")
    run(provision, "enroll-offline", department.fleet.directory, stick, "--as", "j-stone", "--purpose", "no network")
    wrong = timedelta(days=days)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + wrong

    def set_to(theirs: datetime) -> None:
        nonlocal wrong
        wrong = theirs - datetime.now(UTC)

    monkeypatch.setattr("platepost.device.commands.enroll.datetime", Clock)
    monkeypatch.setattr("platepost.device.enrollment.unit.datetime", Clock)
    monkeypatch.setattr("platepost.device.commands.enroll._set_clock", set_to)
    with pytest.raises(EnrollmentError, match="clock shows") as caught:
        run(enroll, *arguments)
    assert caught.value.reason == "clock"
    assert UnitEnrollment(folder).post is None
    assert "This unit is post-17" in run(enroll, *arguments, "--set-clock")


@pytest.mark.parametrize("name", ["", "*", "Post-17", "post 17", "../post-17", "p" * 64])
def test_what_no_post_is_called_touches_neither_unit_nor_stick(tmp_path: Path, name: str) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "acceptance-post-16.html").touch()
    output = run(enroll, name, "--stick", stick, "--directory", tmp_path / "unit", code=2)
    assert "is not a post's name" in output
    assert [path.name for path in stick.iterdir()] == ["acceptance-post-16.html"]
    assert not (tmp_path / "unit").exists()


def test_administrator_may_not_invite_for_who_is_not_certified(department: Department) -> None:
    department.fleet.remove_operator("r-alvarez")
    with pytest.raises(NotCertifiedError, match="certification has ended"):
        invited(department.fleet, "post-17")
    options = ("--technician", "nobody", "--as", "j-stone", "--purpose", "p")
    with pytest.raises(PlatepostError, match="not in the register"):
        run(provision, "post", "invite", department.fleet.directory, "post-17", *CAMERA, *options)


def test_replacing_is_asked_for_and_only_where_there_is_something_to_replace(department: Department) -> None:
    with pytest.raises(PlatepostError, match="no post post-17 to replace"):
        invited(department.fleet, "post-17", "--replace")
    code = invited(department.fleet, "post-17")
    where = (f"localhost:{department.port}", "--directory", department.directory / "unit")
    run(enroll, "post-17", *where, typed=code)
    with pytest.raises(PlatepostError, match="--replace puts another unit"):
        invited(department.fleet, "post-17")


def test_an_unforeseen_fault_does_not_end_what_renews_the_server_s_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[BaseException | None] = [OSError(errno.EIO, os.strerror(errno.EIO)), None]
    minutes = iter([None, EndOfTestError()])

    def poll() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    def sleep(_seconds: float) -> None:
        if (end := next(minutes)) is not None:
            raise end

    registration, served = SimpleNamespace(warn=lambda: None, poll=poll), SimpleNamespace(renew=lambda: False)
    monkeypatch.setattr("platepost.provisioning.commands.enroll.time.sleep", sleep)
    with pytest.raises(EndOfTestError):
        _attend(registration, served)  # type: ignore[arg-type]
    assert outcomes == []


def test_code_is_not_kept_and_not_logged(department: Department) -> None:
    code = invited(department.fleet, "post-17")
    for path in department.fleet.directory.rglob("*"):
        if path.is_file():
            assert code.encode() not in path.read_bytes(), path
            assert code.replace("-", "").encode() not in path.read_bytes(), path


def test_command_says_what_it_lacks(tmp_path: Path) -> None:
    result = CliRunner().invoke(platepost, ["enroll", "post-17", "--directory", str(tmp_path / "unit")])
    assert result.exit_code == 2
    assert "--stick FOLDER" in result.output
    assert not (tmp_path / "unit").exists()
    assert "nothing was under way" in run(enroll, "post-17", "--abandon", "--directory", tmp_path / "unit")
    with pytest.raises(EnrollmentError, match="does not answer"):
        run(enroll, "post-17", "localhost:1", "--directory", tmp_path / "unit", typed="0000-0000-0000-0000")
    with pytest.raises(EnrollmentError, match="is not a code"):
        run(enroll, "post-17", "localhost:1", "--directory", tmp_path / "unit", typed="hello")


@needs_root
@pytest.mark.parametrize("words", [("localhost:1",), ("--abandon",)])
def test_who_forgot_sudo_is_told_so(words: tuple[str, ...]) -> None:
    with place_of_nobody() as state:
        unit = state.parent / "etc"
        unit.mkdir(mode=0o750)
        with nobody():
            result = CliRunner().invoke(enroll, ["post-17", *words, "--directory", str(unit)])
    assert isinstance(result.exception, EnrollmentError)
    assert str(result.exception).startswith(str(unit))
    assert str(result.exception).endswith("Permission denied; run the same command with sudo")


def test_a_full_disk_is_said_and_the_same_command_goes_on(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = department.directory / "unit"
    arguments = ("post-17", f"localhost:{department.port}", "--directory", folder)
    code = invited(department.fleet, "post-17")
    full = [True]

    def install(unit: UnitEnrollment, configuration: bytes) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "keys"))
        real(unit, configuration)

    real = UnitEnrollment.install
    monkeypatch.setattr(UnitEnrollment, "install", install)
    with pytest.raises(EnrollmentError, match="keys: No space left on device; what was done so far is kept"):
        run(enroll, *arguments, typed=code + "\n")
    full.clear()
    assert "This unit is post-17" in run(enroll, *arguments, typed=code + "\n")
