#!/usr/bin/env -S python3 -IS
"""Runs a program, and ends once all that it started has ended, so that what waits for this gets the CPU seconds of all.

When Chromium ends, its renderers and its zygotes still run. Whoever adopts them reaps them, and what they used would
count for no test.
"""

import ctypes
import os
import sys

PROGRAM = "PLATEPOST_TEST_REAPED"
"""The environment variable that holds the path of the program; its arguments are those of this file."""
_SET_CHILD_SUBREAPER = 36


def main() -> int:
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    path = os.environ.pop(PROGRAM)
    program = os.posix_spawn(path, [path, *sys.argv[1:]], os.environ)
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return ended[program]
        if pid == program:
            ended[pid] = abs(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    sys.exit(main())
