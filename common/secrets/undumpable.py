"""Keeping private keys that are in memory out of core files and away from other processes of the same user."""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>, stable kernel interface


def hide_memory() -> None:
    """Forbid core files of this process, and that others of its user read its memory; root still can."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
