"""The clock's quality, as the kernel knows it: adjtimex(2), read only."""

import ctypes
import logging
import sys
from datetime import timedelta
from typing import Any

from platepost.wire.records import ClockQuality

log = logging.getLogger(__name__)

# <linux/timex.h>, stable kernel interface
STA_UNSYNC = 0x0040
TIME_ERROR = 5
UNKNOWN = ClockQuality(source="unknown", synchronised=False)
CLOCK_TOLERANCE = timedelta(minutes=5)
"""What clocks differ by that are kept with ordinary care: the skew that Kerberos allows (MIT krb5, `clockskew`)."""


class Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2)."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("esterror", ctypes.c_long),  # microseconds
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_seconds", ctypes.c_long),
        ("time_fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    ]


def clock_quality() -> ClockQuality:
    """Ask the kernel how good the clock is; `unknown` and unsynchronised where it cannot be asked. Never raises."""
    try:
        return from_kernel(*_adjtimex())
    except (OSError, AttributeError) as error:
        log.debug("the kernel does not tell the clock's quality: %s", error)
        return UNKNOWN


def from_kernel(state: int, timex: Timex) -> ClockQuality:
    """Judge what adjtimex returned; the errors count only while a time source disciplines the clock."""
    if state == TIME_ERROR or timex.status & STA_UNSYNC:
        return ClockQuality(source="kernel", synchronised=False)
    return ClockQuality(
        source="kernel",
        synchronised=True,
        estimated_error_seconds=max(0, timex.esterror) / 1e6,
        maximum_error_seconds=max(0, timex.maxerror) / 1e6,
    )


def _adjtimex() -> tuple[int, Timex]:
    if sys.platform != "linux":
        raise OSError("adjtimex exists on Linux only")
    library: Any = ctypes.CDLL(None, use_errno=True)
    timex = Timex()  # modes = 0: nothing is set
    state = int(library.adjtimex(ctypes.byref(timex)))
    if state < 0:
        raise OSError(ctypes.get_errno(), "adjtimex failed")
    return state, timex
