"""What chrony says: a chronyc that plays its part, and the real one where it is installed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platepost.device.clock import chrony as module
from platepost.device.clock.chrony import Chrony, from_tracking

# In the form of chrony 4: fourteen fields.
GOOD = (
    "A9FEA97B,169.254.169.123,4,1764013042.188347012,-0.000003117,0.000001946,0.000012203,-12.351,0.001,0.016,"
    "0.000430651,0.000154231,16.3,Normal"
)
PPS = GOOD.replace("A9FEA97B,169.254.169.123,4", "50505300,PPS,1")
# What chrony 4.6.1 said on a machine without a network, before and with `local stratum 3`.
UNSYNCHRONISED = (
    "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,"
    "Not synchronised"
)
LOCAL = (
    "7F7F0101,,3,1795549153.157882119,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,"
    "0.000000000,0.0,Normal"
)


def test_a_synchronised_clock_is_told_with_source_and_errors() -> None:
    quality = from_tracking(GOOD + "\n")
    assert (quality.source, quality.synchronised, quality.reference, quality.stratum) == (
        "chrony",
        True,
        "169.254.169.123",
        4,
    )
    assert quality.estimated_error_seconds == pytest.approx(12.203e-6)
    assert quality.maximum_error_seconds == pytest.approx(3.117e-6 + 154.231e-6 + 430.651e-6 / 2, abs=1e-9)


def test_a_reference_clock_is_told_by_its_name() -> None:
    assert (from_tracking(PPS).reference, from_tracking(PPS).stratum) == ("PPS", 1)


def test_a_name_that_would_act_on_a_terminal_is_told_as_text() -> None:
    assert from_tracking(PPS.replace("PPS", "P\x1bS")).reference == r"P\x1bS"


@pytest.mark.parametrize("line", [UNSYNCHRONISED, LOCAL], ids=["nothing", "own clock"])
def test_an_unsynchronised_clock_has_no_error_to_tell(line: str) -> None:
    quality = from_tracking(line)
    assert (quality.synchronised, quality.estimated_error_seconds, quality.reference) == (False, None, None)


@pytest.mark.parametrize(
    "line", ["", "506 Cannot talk to daemon", GOOD.rpartition(",")[0], GOOD.replace("16.3", "x").replace(",4,", ",x,")]
)
def test_what_is_no_answer_is_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_tracking(line)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12) | st.just("nan") | st.just("1e999"), max_size=16))
def test_no_answer_does_harm(fields: list[str]) -> None:
    try:
        quality = from_tracking(",".join(fields))
    except ValueError:
        return
    assert quality.source == "chrony"


@given(st.data())
def test_no_answer_that_is_almost_right_does_harm(data: st.DataObject) -> None:
    fields = GOOD.split(",")
    odd = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["nan", "1e999", "-inf", "-4", "99", ""])
    for number in data.draw(st.sets(st.integers(0, len(fields) - 1), max_size=4)):
        fields[number] = data.draw(odd)
    try:
        quality = from_tracking(",".join(fields))
    except ValueError:
        return
    assert quality.wire()


def program(tmp_path: Path, body: str) -> str:
    path = tmp_path / "chronyc"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_chronyc_is_asked_for_tracking_in_numbers(tmp_path: Path) -> None:
    chrony = Chrony(program(tmp_path, f'[ "$*" = "-c -n tracking" ] && echo "{GOOD}"'))
    answer = chrony.ask()
    assert answer is not None
    assert answer == chrony.quality()


@pytest.mark.parametrize("body", ["exit 1", "echo '506 Cannot talk to daemon'", "printf '\\377\\376'", "kill -9 $$"])
def test_a_chrony_that_does_not_answer_is_none(tmp_path: Path, body: str) -> None:
    chrony = Chrony(program(tmp_path, body))
    assert (chrony.ask(), chrony.quality()) == (None, None)


def test_who_needs_to_know_before_the_start_is_told(tmp_path: Path) -> None:
    quality = Chrony(program(tmp_path, f'echo "{GOOD}"')).quality()
    assert quality is not None
    assert quality.synchronised


def test_a_chronyc_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    assert Chrony(program(tmp_path, "exec sleep 60")).ask() is None


def test_an_old_answer_no_longer_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chrony = Chrony(program(tmp_path, f'echo "{GOOD}"'))
    chrony.ask()
    now = time.monotonic()
    monkeypatch.setattr(module, "monotonic", lambda: now + module.FRESH_SECONDS + 1)
    assert chrony.quality() is None


def test_it_is_asked_again_and_again_until_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_SECONDS", 0.01)
    count = tmp_path / "count"
    chrony = Chrony(program(tmp_path, f'echo x >> {count}; echo "{GOOD}"'))
    chrony.start()
    end = time.monotonic() + 60
    while not (count.is_file() and len(count.read_text().split()) > 2):
        assert time.monotonic() < end
        time.sleep(0.01)
    chrony.stop()
    chrony.stop()
    assert chrony.quality() is not None


CHRONYD = shutil.which("chronyd") or shutil.which("chronyd", path="/usr/sbin:/usr/local/sbin")


@pytest.fixture
def chronyd(tmp_path: Path) -> Iterator[list[str]]:
    """A chronyd that does not touch the clock and is its own reference; returns how to ask it."""
    if CHRONYD is None or os.geteuid() != 0:
        pytest.skip("chrony or root is missing: make tools, and run the tests as root")
    folder = Path("/run/chrony-test-" + str(os.getpid()))
    folder.mkdir(mode=0o700)
    socket = folder / "chronyd.sock"
    configuration = tmp_path / "chrony.conf"
    configuration.write_text(
        f"local stratum 3\nport 0\ncmdport 0\nbindcmdaddress {socket}\npidfile {folder}/pid\nuser root\n"
    )
    process = subprocess.Popen([CHRONYD, "-d", "-x", "-U", "-f", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not socket.exists():
            assert process.poll() is None, "chronyd ended"
            assert time.monotonic() < end
            time.sleep(0.05)
        yield ["-h", str(socket)]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def test_the_real_chrony_speaks_as_expected(chronyd: list[str], tmp_path: Path) -> None:
    asks = program(tmp_path, f'exec {shutil.which("chronyc")} {" ".join(chronyd)} "$@"')
    quality = Chrony(asks).ask()
    assert quality is not None
    assert (quality.source, quality.synchronised) == ("chrony", False)
