import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from platepost.common.signals import stop_on_signals
from platepost.device.commands.recording import recording
from platepost.device.recording import RecordingError, Recordings, requests
from platepost.device.recording.requests import Answer, Request
from platepost.device.recording.settings import RecordingSettings
from tests.device.nobody import needs_root, nobody, place_of_nobody
from tests.device.recording.test_recordings import FakeAudit


def run(*words: str) -> Result:
    return CliRunner().invoke(recording, list(words), catch_exceptions=False)


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordingSettings:
    """A unit whose configuration allows recording to the key that the department made."""
    assert run("key", str(tmp_path / "recordings.pem")).exit_code == 0
    section = RecordingSettings(
        allowed=True, recipient_key=tmp_path / "recordings.pub.pem", directory=tmp_path / "state", free_megabytes=0
    )

    class Loaded:
        recording = section
        outbox = SimpleNamespace(path=tmp_path / "outbox.db")

    monkeypatch.setattr("platepost.device.commands.recording.load", lambda _path: Loaded)
    return section


def with_a_post(section: RecordingSettings, *words: str) -> tuple[Result, FakeAudit]:
    """Run a command while the post of the unit looks for requests."""
    audit, over = FakeAudit(), threading.Event()
    recordings = Recordings(section, audit, post="post-7", evaluated_with=dict, now=lambda: datetime.now(UTC))

    def post() -> None:
        while not over.wait(0.01):
            recordings.poll(time.monotonic())
        recordings.stop()

    running = threading.Thread(target=post)
    running.start()
    try:
        return run(*words, "--config", "post.toml", "--json"), audit
    finally:
        over.set()
        running.join(30)


def test_a_person_starts_a_recording_under_their_name(unit: RecordingSettings) -> None:
    result, audit = with_a_post(unit, "start", "--person", "J. Rivera", "--purpose", "glare at dusk", "--minutes", "1")
    assert result.exit_code == 0
    said: dict[str, Any] = json.loads(result.output)
    assert said["recording"].startswith("post-7-")
    assert audit.said[0]["identity"] == "J. Rivera"
    listed = json.loads(run("list", "--config", "post.toml", "--json").output)
    assert [Path(entry["recording"]).name for entry in listed] == [said["recording"]]
    assert said["recording"] in run("list", "--config", "post.toml").output.replace("\n", "")


def test_what_the_post_refuses_ends_with_1_and_the_reason(unit: RecordingSettings) -> None:
    result, _ = with_a_post(unit, "stop", "--person", "J. Rivera")
    assert result.exit_code == 1
    assert json.loads(result.output)["reason"] == "not_recording"


def test_a_post_that_does_not_run_does_not_record_later(unit: RecordingSettings) -> None:
    words = ("start", "--person", "J. Rivera", "--purpose", "glare at dusk", "--wait", "0")
    result = run(*words, "--config", "post.toml", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["reason"] == "not_running"
    _, audit = with_a_post(unit, "stop", "--person", "J. Rivera")
    assert "recording_started" not in audit.actions


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that is not ignored, as those of a terminal are for what is started in the background."""
    number: signal.Signals = request.param
    former = signal.signal(number, lambda *_: None)
    yield number
    signal.signal(number, former)


def test_a_command_that_is_ended_takes_its_request_back(unit: RecordingSettings, number: signal.Signals) -> None:
    folder = unit.directory / requests.FOLDER
    before = signal.getsignal(number)

    def end_it() -> None:
        until = time.monotonic() + 30
        while not list(folder.glob("request-*.json")) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    ending = threading.Thread(target=end_it)
    ending.start()
    words = ("start", "--person", "J. Rivera", "--purpose", "glare at dusk", "--wait", "60")
    result = run(*words, "--config", "post.toml", "--json")
    ending.join()
    assert (result.exit_code, json.loads(result.output)["reason"]) == (1, "ended")
    assert list(folder.iterdir()) == []
    assert signal.getsignal(number) == before


def test_a_command_that_shall_outlive_its_terminal_goes_on_waiting(unit: RecordingSettings) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.wait(0.05)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_running_post_that_does_not_take_the_request_is_told_apart(
    unit: RecordingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platepost.device.commands.recording.in_use", lambda path: path.name == "outbox.db")
    words = ("start", "--person", "J. Rivera", "--purpose", "glare at dusk", "--wait", "0")
    result = run(*words, "--config", "post.toml", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["reason"] == "not_taken"


@needs_root
def test_what_root_asks_is_taken_and_answered_by_the_post_s_own_user(tmp_path: Path) -> None:
    wanted = Request(do="stop", person="J. Rivera", account="root")
    said = Answer(None, "not_recording", "nothing is being recorded")

    def post(directory: Path) -> list[tuple[str, str]]:
        found = requests.take(directory)
        for name, _ in found:
            requests.answer(directory, name, said)
        return [(request.do, request.person) for _, request in found if request is not None]

    requests.ask(tmp_path, wanted)
    assert post(tmp_path) == [(wanted.do, wanted.person)]
    with place_of_nobody() as state:
        name = requests.ask(state / "recordings", wanted)
        with nobody():
            assert post(state / "recordings") == [(wanted.do, wanted.person)]
        assert requests.fetch(state / "recordings", name) == said


def test_a_name_of_one_letter_is_nobodys(unit: RecordingSettings) -> None:
    with pytest.raises(RecordingError, match="not a valid request"):
        run("start", "--config", "post.toml", "--person", "J", "--purpose", "glare at dusk")


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    run("key", str(tmp_path / "recordings.pem"))
    assert (tmp_path / "recordings.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(RecordingError, match="exists already"):
        run("key", str(tmp_path / "recordings.pem"))
