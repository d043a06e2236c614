"""How processes of the simulator are started."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
import signal
from multiprocessing import resource_tracker
from platepost.simulator.processes import shielded
with shielded():
    resource_tracker.ensure_running()  # as the start of any process does
    assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
"""
ENDLESS = """\
import time
open("loading", "w").close()
time.sleep(3600)
"""
STOPPED = """\
import os, signal, threading, time
from pathlib import Path
from platepost.common.signals import Stopped, stop_on_signals
from platepost.simulator.processes import forking
def stop():
    while not Path("loading").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
with stop_on_signals():
    threading.Thread(target=stop).start()
    try:
        forking("endless")
    except Stopped:
        print("stopped")
"""
LATE = """\
import threading
from multiprocessing.context import ForkServerProcess
start, over = ForkServerProcess.start, threading.Event()
def late(process):
    try:
        start(process)
    finally:
        over.wait()
ForkServerProcess.start = late
"""
OVER = """\
over.set()
for thread in threading.enumerate():
    if thread.name == "first fork":
        thread.join()
"""


def test_ctrl_c_stays_blocked_though_the_first_process_starts_another() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", [STOPPED, LATE + STOPPED + OVER], ids=["at once", "after the command"])
def test_what_forks_is_not_waited_for_once_the_command_was_asked_to_end(tmp_path: Path, program: str) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")
