"""How processes of the simulator are started."""

import subprocess
import sys

PROGRAM = """\
import signal
from multiprocessing import resource_tracker
from platepost.simulator.processes import shielded
with shielded():
    resource_tracker.ensure_running()  # as the start of any process does
    assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
"""


def test_ctrl_c_stays_blocked_though_the_first_process_starts_another() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
