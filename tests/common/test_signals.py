"""Signals wake a command and raise nothing; it ends where it checks, or is ended after its limit."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from platepost.common.signals import INTERRUPTED, STOP_SIGNALS, Stop, Stopped, current, stop_on_signals, wait_for

SECONDS = 30.0

pytestmark = pytest.mark.usefixtures("heeded")


def program(text: str, **options: object) -> subprocess.Popen[str]:
    """Start a program of the mechanism's, with SIGINT and SIGHUP as at a terminal."""
    head = """\
        import os, signal, subprocess, sys, threading, time
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        from platepost.common.signals import Stopped, check, current, sleep, stop_on_signals, wait_for
        """
    whole = textwrap.dedent(head) + textwrap.dedent(text)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", whole], stdout=pipe, stderr=pipe, text=True, **options)  # type: ignore[call-overload, no-any-return]


def ready(process: subprocess.Popen[str]) -> str:
    """Wait for a line of a program's."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_every_signal_wakes_a_wait(number: signal.Signals) -> None:
    process = program("""\
        with stop_on_signals() as stop:
            print("ready", flush=True)
            assert stop.wait(60)
            print(stop.signal.name)
        """)
    assert ready(process) == "ready"
    process.send_signal(number)
    said, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, said.strip(), errors) == (0, number.name, "")


def test_no_lock_is_left_locked_by_a_signal_that_comes_while_it_is_held() -> None:
    process = program("""\
        lock = threading.Lock()
        with stop_on_signals() as stop:
            print("ready", flush=True)
            try:
                while True:
                    with lock:
                        for _ in range(1000):
                            pass
                    check()
            except Stopped:
                print("free" if lock.acquire(timeout=5) else "locked")
        """)
    assert ready(process) == "ready"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=SECONDS)[0].strip() == "free"


def test_stopped_is_raised_once_so_that_closing_is_not_interrupted() -> None:
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            stop.sleep(SECONDS)
        began = time.monotonic()
        stop.sleep(0.05)
        stop.check()
        assert time.monotonic() - began >= 0.05


def test_wait_for_a_condition_is_woken_and_leaves_its_lock_free() -> None:
    changed = threading.Condition(threading.Lock())
    with stop_on_signals():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(Stopped):
            wait_for(changed, lambda: False, SECONDS)
        assert changed.acquire(timeout=1)
        changed.release()


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with stop_on_signals() as outer, stop_on_signals() as inner:
        assert inner is outer is current()
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert current() is not outer


def test_other_threads_get_a_stop_that_no_signal_requests() -> None:
    found: list[Stop] = []

    def enter() -> None:
        with stop_on_signals() as stop:
            found.append(stop)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(SECONDS)
    assert signal.getsignal(signal.SIGTERM) is before
    assert not found[0].requested


def test_ignored_signal_stays_ignored() -> None:
    process = program("""\
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stop_on_signals() as stop:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            assert stop.wait(60)
            print(stop.signal.name)
        """)
    assert process.communicate(timeout=SECONDS)[0].strip() == "SIGTERM"


def test_second_ctrl_c_ends_the_process_and_its_children_at_once() -> None:
    process = program("""\
        child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGINT, "
                                  "signal.SIG_IGN); print('up', flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
        child.stdout.readline()
        with stop_on_signals() as stop:
            print(child.pid, flush=True)
            stop.wait()
            print("first", flush=True)
            time.sleep(0.5)
            print("now", flush=True)
            threading.Lock().acquire()
            time.sleep(600)
        """)
    child = int(ready(process))
    process.send_signal(signal.SIGINT)
    assert ready(process) == "first"
    assert ready(process) == "now"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (130, "Aborted!\n")
    assert not runs(child)


def test_second_ctrl_c_ends_what_a_thread_starts_in_the_place_of_a_child_that_has_ended() -> None:
    seconds = f"611.{os.getpid()}"  # of no other run beside this one
    process = program(f"""\
        def supervise():
            while True:
                subprocess.Popen(["sleep", "{seconds}"]).wait()

        with stop_on_signals() as stop:
            threading.Thread(target=supervise, daemon=True).start()
            print("ready", flush=True)
            stop.wait()
            time.sleep(0.5)
            print("now", flush=True)
            time.sleep(600)
        """)
    assert ready(process) == "ready"
    process.send_signal(signal.SIGINT)
    assert ready(process) == "now"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=SECONDS)[1] == "Aborted!\n"
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if seconds.encode() in read(path)]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_command_that_does_not_end_is_ended_with_the_stacks_of_its_threads() -> None:
    process = program("""\
        def hangs():
            time.sleep(600)

        with stop_on_signals() as stop:
            stop.allowed_seconds = 0.5
            print("ready", flush=True)
            hangs()
        """)
    assert ready(process) == "ready"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "did not end within 0.5 s" in errors
    assert "in hangs" in errors


def test_forked_child_answers_for_itself() -> None:
    process = program("""\
        with stop_on_signals() as stop:
            child = os.fork()
            if not child:
                print("up", flush=True)
                time.sleep(600)
            time.sleep(0.2)
            os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            print(os.WTERMSIG(status), stop.wait(0.2), flush=True)
        """)
    assert ready(process) == "up"
    assert process.communicate(timeout=SECONDS)[0].split() == ["15", "False"]


def runs(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_question_to_a_person_is_ended_by_a_signal() -> None:
    with stop_on_signals() as stop:
        with stop.raising():
            pass  # answered
        reader, writer = os.pipe()
        threading.Timer(0.2, signal.pthread_kill, [threading.get_ident(), signal.SIGTERM]).start()
        with pytest.raises(Stopped), stop.raising():
            os.read(reader, 1)
        assert stop.wait(SECONDS)
        stop.check()
        os.close(reader)
        os.close(writer)


def test_no_question_is_put_after_a_signal() -> None:
    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Stopped), stop.raising():
            pytest.fail("it was put")


def test_ctrl_c_while_modules_are_loaded_raises_nothing() -> None:
    process = program(
        """\
        from platepost.common.signals import ends_at_once
        with ends_at_once():
            try:
                signal.raise_signal(signal.SIGINT)
            except BaseException:
                pass
        print("goes on")
        """
    )
    assert process.wait(SECONDS) == INTERRUPTED
