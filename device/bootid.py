"""Which start of the machine this is."""

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Made anew by the kernel at every start, random(4)."""


def boot_id() -> str:
    """Return the kernel's identifier of the machine's present start; empty where there is none. Never raises."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
