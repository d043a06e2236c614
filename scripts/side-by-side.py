"""Run targets of make side by side: one that mostly waits, and those that compute, which take what it leaves over.

    python3 scripts/side-by-side.py MAKE WAITING COMPUTING...

What a target that computes prints is in build/TARGET.log and follows at the end, with how long each took and what it
computed. Fails if any does.
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path


def main(make: str, waiting: str, *computing: str) -> int:
    """Return 0 if all ended well, else the exit status of one that did not."""
    logs = {target: Path("build") / f"{target}.log" for target in computing}
    Path("build").mkdir(exist_ok=True)
    print(f"make {waiting} runs beside make {', '.join(computing)}; what these print follows at the end:", flush=True)
    print(*logs.values(), flush=True)
    began, statuses, took = time.monotonic(), [], []
    with ExitStack() as stack:
        running = {waiting: stack.enter_context(subprocess.Popen([make, waiting]))}
        for target, log in logs.items():
            file = stack.enter_context(log.open("wb"))
            command = ["nice", make, target]
            running[target] = stack.enter_context(subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT))
        while running:
            pid, status, used = os.wait4(-1, 0)
            target = next(target for target, process in running.items() if process.pid == pid)
            running.pop(target).returncode = os.waitstatus_to_exitcode(status)
            statuses.append(os.waitstatus_to_exitcode(status))
            computed = used.ru_utime + used.ru_stime
            took.append(f"{target}: {time.monotonic() - began:.0f} s, of a core {computed:.0f} s")
    for log in logs.values():
        sys.stdout.buffer.write(log.read_bytes())
    print(*took, sep="\n")
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
