import errno
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from pydantic import ValidationError
from pytest_mock import MockerFixture

from platepost.common.errors import ConfigurationError
from platepost.device.clock.clock import Clock
from platepost.device.recording import Recordings, SealedReader, recordings, requests, writer
from platepost.device.recording.requests import Answer, Request
from platepost.device.recording.settings import RecordingSettings
from tests.device.recording.conftest import make_frame, same


@dataclass
class FakeAudit:
    said: list[dict[str, Any]] = field(default_factory=list)

    def record(self, action: str, **more: Any) -> None:
        self.said.append({"action": action, **more})

    @property
    def actions(self) -> list[str]:
        return [said["action"] for said in self.said]


class SettableClock(Clock):
    """The clocks of a machine: both go on, also by leaps, and that of the wall can be set."""

    leapt = 0.0
    off = timedelta()

    def steady(self) -> float:
        return super().steady() + self.leapt

    def wall(self) -> float:
        return super().wall() + self.leapt + self.off.total_seconds()


@dataclass
class Unit:
    section: RecordingSettings
    audit: FakeAudit
    recordings: Recordings
    clock: SettableClock

    def ask(self, **said: Any) -> Answer:
        request = Request.model_validate({"do": "start", "person": "J. Rivera", "account": "pi", **said})
        name = requests.ask(self.section.directory, request)
        self.poll()
        answer = requests.fetch(self.section.directory, name)
        assert answer is not None
        return answer

    def poll(self) -> None:
        """Have it look for requests and for what is too old: the time for either has come."""
        self.clock.leapt += recordings.CLEAN_SECONDS
        self.recordings.poll(self.clock.steady())

    def tick_until_ended(self) -> None:
        end = time.monotonic() + 30
        while self.recordings.recording and time.monotonic() < end:
            self.poll()
            time.sleep(0.01)

    @property
    def files(self) -> list[Path]:
        return sorted(self.section.directory.glob("*.recording"))


MakeUnit = Callable[..., Unit]


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def make_unit(tmp_path: Path, key: ECKey, clock: SettableClock) -> MakeUnit:
    public = tmp_path / "key.pem"
    public.write_bytes(key.as_pem(private=False))

    def make(**section: Any) -> Unit:
        told = {"allowed": True, "recipient_key": public, "directory": tmp_path / "recordings", "free_megabytes": 0}
        made = RecordingSettings.model_validate(told | section)
        audit = FakeAudit()
        evaluated_with: Mapping[str, Any] = {"versions": {"software": "1"}}
        kept = Recordings(made, audit, post="post-7", evaluated_with=lambda: evaluated_with, now=clock.utc, clock=clock)
        return Unit(made, audit, kept, clock)

    return make


def record(unit: Unit, numbers: range) -> None:
    for number in numbers:
        writer = unit.recordings._writer
        before = 0 if writer is None else writer.frames
        unit.recordings.update(make_frame(number))
        end = time.monotonic() + 30
        while writer is not None and writer.frames == before and time.monotonic() < end:
            time.sleep(0.001)


def test_a_person_records_for_a_purpose_and_it_is_all_in_the_trail(make_unit: MakeUnit, key: ECKey) -> None:
    unit = make_unit()
    unit.recordings.update(make_frame(0))  # no one asked: nothing is kept
    answer = unit.ask(purpose="glare at dusk")
    assert answer.reason is None
    record(unit, range(1, 6))
    ended = unit.ask(do="stop", person="K. Osei")
    assert ended.recording == answer.recording
    assert unit.audit.actions == ["recording_started", "recording_ended"]
    started, over = unit.audit.said
    assert started["identity"] == "J. Rivera"
    assert started["details"]["purpose"] == "glare at dusk"
    assert started["details"]["account"] == "pi"
    assert over["identity"] == "K. Osei"
    assert over["reason"] == "asked"
    assert over["details"]["frames"] == 5
    assert over["details"]["missed"] == 0
    with SealedReader(unit.files[0], key) as reader:
        frames = list(reader.frames())
        assert all(same(make_frame(number), frame) for number, frame in enumerate(frames, start=1))
        assert reader.settings["purpose"] == "glare at dusk"
        assert reader.settings["versions"] == {"software": "1"}
        assert reader.summary is not None
        assert reader.summary["frames"] == len(frames) == 5


def test_it_ends_where_frames_are_evaluated_otherwise_and_the_next_says_by_what(
    make_unit: MakeUnit, key: ECKey, mocker: MockerFixture
) -> None:
    unit = make_unit()
    present = {"versions": {"software": "1"}}
    unit.recordings._evaluated_with = lambda: present
    unit.ask(purpose="glare at dusk")
    record(unit, range(2))
    present = {"versions": {"software": "2"}}
    unit.recordings.adjust(mocker.Mock())
    assert not unit.recordings.recording
    assert unit.audit.said[-1]["reason"] == "configuration"
    unit.ask(purpose="glare at dusk")
    unit.recordings.stop()
    unit.recordings.adjust(mocker.Mock())
    said = [SealedReader(file, key).settings["versions"] for file in unit.files]
    assert said == [{"software": "1"}, {"software": "2"}]


def test_a_system_that_lets_nothing_give_way_is_recorded_on_too(
    make_unit: MakeUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_arguments: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.setpriority", forbidden)
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    record(unit, range(1, 4))
    unit.ask(do="stop")
    assert unit.audit.said[-1]["details"]["frames"] == 3


@pytest.mark.parametrize(
    ("section", "said", "reason"),
    [
        ({"allowed": False}, {"purpose": "glare at dusk"}, "not_allowed"),
        ({}, {"purpose": "  x    "}, "no_purpose"),
        ({"total_megabytes": 0.5}, {"purpose": "glare at dusk"}, "no_room"),
    ],
)
def test_what_may_not_be_is_refused_and_told(
    make_unit: MakeUnit, section: dict[str, Any], said: dict[str, Any], reason: str
) -> None:
    unit = make_unit(**section)
    assert unit.ask(**said).reason == reason
    assert unit.files == []
    assert [(said["action"], said["reason"], said["identity"]) for said in unit.audit.said] == [
        ("recording_refused", reason, "J. Rivera")
    ]


def test_one_at_a_time_and_none_to_stop(make_unit: MakeUnit) -> None:
    unit = make_unit()
    assert unit.ask(do="stop").reason == "not_recording"
    assert unit.ask(purpose="glare at dusk").reason is None
    assert unit.ask(purpose="another thing").reason == "already"
    unit.recordings.stop()
    assert unit.audit.said[-1]["reason"] == "stop"
    assert len(unit.files) == 1


@pytest.mark.parametrize(
    ("section", "reason"),
    [({"longest_minutes": 1e-9}, "time"), ({"largest_megabytes": 0.01}, "size"), ({"free_megabytes": 1e7}, "disk")],
)
def test_it_ends_by_itself(make_unit: MakeUnit, key: ECKey, section: dict[str, Any], reason: str) -> None:
    unit = make_unit(**section)
    assert unit.ask(purpose="glare at dusk").reason is None
    for number in range(4):
        unit.recordings.update(make_frame(number))
    unit.tick_until_ended()
    assert unit.audit.said[-1]["action"] == "recording_ended"
    assert unit.audit.said[-1]["reason"] == reason
    assert unit.audit.said[-1]["identity"] == "J. Rivera"
    with SealedReader(unit.files[0], key) as reader:
        list(reader.frames())
        assert reader.summary is not None


def test_frames_that_find_no_room_are_counted_and_nobody_waits(
    make_unit: MakeUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITING", 1)
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    frame = make_frame(1)
    for _ in range(200):
        unit.recordings.update(frame)
    unit.recordings.stop()
    details = unit.audit.said[-1]["details"]
    assert details["frames"] + details["missed"] == 200
    assert details["missed"] > 0


def test_a_disk_that_takes_nothing_ends_it(make_unit: MakeUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    writer = unit.recordings._writer
    assert writer is not None

    def full(_packed: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer._writer, "frame", full)
    unit.recordings.update(make_frame(1))
    unit.tick_until_ended()
    assert (unit.audit.said[-1]["reason"], unit.audit.said[-1]["outcome"]) == ("not_written", "failure")


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_frame_that_cannot_be_packed_ends_it_as_a_failure(
    make_unit: MakeUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_arguments: object, **_more: object) -> bytes:
        raise ValueError("no picture")

    monkeypatch.setattr("platepost.device.recording.writer.pack", torn)
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    unit.recordings.update(make_frame(1))
    unit.tick_until_ended()
    assert (unit.audit.said[-1]["reason"], unit.audit.said[-1]["outcome"]) == ("not_written", "failure")


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_disk_that_is_full_when_the_file_is_closed_too_ends_it_in_order(make_unit: MakeUnit) -> None:
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    writer = unit.recordings._writer
    assert writer is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._writer._file.fileno())
    os.close(full)
    end = time.monotonic() + 30
    while writer.running and time.monotonic() < end:
        unit.recordings.update(make_frame(1))
        time.sleep(0.01)
    unit.tick_until_ended()
    assert (unit.audit.said[-1]["reason"], unit.audit.said[-1]["outcome"]) == ("not_written", "failure")


def test_what_nobody_fetched_is_deleted_in_time(make_unit: MakeUnit) -> None:
    unit = make_unit(keep_hours=1)
    unit.ask(purpose="glare at dusk")
    unit.recordings.stop()
    unit.poll()
    assert len(unit.files) == 1
    long_ago = time.time() - 3601
    os.utime(unit.files[0], (long_ago, long_ago))
    unit.poll()
    assert unit.files == []
    assert unit.audit.said[-1]["action"] == "recording_deleted"


@pytest.mark.parametrize("off", [timedelta(days=-35), timedelta(days=365)])
def test_a_recording_is_kept_as_long_whenever_the_clock_is_set(
    make_unit: MakeUnit, clock: SettableClock, off: timedelta
) -> None:
    clock.off = off
    unit = make_unit(keep_hours=72)
    unit.ask(purpose="glare at dusk")
    unit.recordings.stop()
    clock.off = timedelta()
    unit.poll()
    assert len(unit.files) == 1, "the clock was set, and nothing else"
    unit_restarted(unit, clock, hours=71)
    unit.poll()
    assert len(unit.files) == 1
    unit_restarted(unit, clock, hours=2)
    unit.poll()
    assert unit.files == []
    assert unit.audit.said[-1]["action"] == "recording_deleted"


def unit_restarted(unit: Unit, clock: SettableClock, *, hours: float) -> None:
    """Let so much time pass, and the software start again."""
    clock.off += timedelta(hours=hours)
    unit.recordings = Recordings(
        unit.section, unit.audit, post="post-7", evaluated_with=dict, now=clock.utc, clock=clock
    )


def test_a_recording_of_a_clock_that_was_ahead_before_the_start_is_not_kept_for_ever(
    make_unit: MakeUnit, clock: SettableClock
) -> None:
    unit = make_unit(keep_hours=72)
    unit.ask(purpose="glare at dusk")
    unit.recordings.stop()
    ahead = time.time() + 365 * 24 * 3600
    os.utime(unit.files[0], (ahead, ahead))
    unit.poll()
    unit_restarted(unit, clock, hours=73)
    unit.poll()
    assert unit.files == []


def test_a_request_of_another_form_is_refused(make_unit: MakeUnit) -> None:
    unit = make_unit()
    folder = unit.section.directory / requests.FOLDER
    folder.mkdir(parents=True)
    (folder / "request-0123456789abcdef.json").write_text('{"do": "format the disk"}')
    (folder / "something else").write_text("")
    unit.poll()
    answer = requests.fetch(unit.section.directory, "request-0123456789abcdef.json")
    assert answer is not None
    assert answer.reason == "malformed"
    assert unit.audit.actions == ["recording_refused"]


@pytest.mark.parametrize("age", ["a minute", "another start", "none"])
def test_a_request_that_was_left_is_refused_and_told(
    make_unit: MakeUnit, mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch, age: str
) -> None:
    unit = make_unit()
    if age == "none":  # as the software before wrote it
        mocker.patch.object(Request, "model_copy", lambda self, **_: self)
    name = requests.ask(
        unit.section.directory, Request(do="start", person="J. Rivera", account="pi", purpose="glare at dusk")
    )
    if age == "a minute":
        now = time.monotonic()
        monkeypatch.setattr(requests, "monotonic", lambda: now + requests.GOOD_SECONDS + 1)
    elif age == "another start":
        monkeypatch.setattr(requests, "boot_id", lambda: "another")
    unit.poll()
    answer = requests.fetch(unit.section.directory, name)
    assert answer is not None
    assert answer.reason == "too_old"
    assert unit.files == []
    assert [(said["action"], said["reason"], said["identity"]) for said in unit.audit.said] == [
        ("recording_refused", "too_old", "J. Rivera")
    ]


def test_allowed_needs_somebody_to_seal_to(make_unit: MakeUnit, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="recipient_key"):
        RecordingSettings(allowed=True)
    with pytest.raises(ConfigurationError, match=r"recording\.recipient_key"):
        make_unit(recipient_key=tmp_path / "nowhere.pem")
    (tmp_path / "empty.pem").touch()
    with pytest.raises(ConfigurationError, match=r"recording\.recipient_key = .*empty\.pem': not a P-256 key"):
        make_unit(recipient_key=tmp_path / "empty.pem")
    assert recordings.CHECK_SECONDS < 1


def test_answers_that_nobody_fetches_fill_no_disk(tmp_path: Path) -> None:
    for number in range(2 * requests.KEPT_ANSWERS):
        name = f"request-{number:016x}.json"
        requests.answer(tmp_path, name, Answer(None, "too_old", "no"))
        (tmp_path / requests.FOLDER / name).with_suffix(".part").touch()
    names = [path.suffix for path in (tmp_path / requests.FOLDER).iterdir()]
    assert (names.count(".answer"), names.count(".part")) == (requests.KEPT_ANSWERS, requests.KEPT_ANSWERS + 1)


def test_a_folder_that_the_disk_does_not_give_ends_no_post(
    make_unit: MakeUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    unit.ask(do="stop")
    (kept,) = unit.files

    def torn(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as failing:
        failing.setattr(Path, "glob", torn)
        unit.poll()
        unit.clock.off += timedelta(hours=5)
        unit.poll()
    assert unit.files == [kept]


def test_a_recording_that_is_fetched_while_another_is_asked_for_costs_no_answer(
    make_unit: MakeUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = make_unit()
    unit.ask(purpose="glare at dusk")
    unit.ask(do="stop")
    gone = [unit.section.directory / "fetched.recording"]
    monkeypatch.setattr(unit.recordings, "_files", lambda: gone)
    assert unit.ask(purpose="glare at dawn").reason is None
    unit.recordings.stop()
