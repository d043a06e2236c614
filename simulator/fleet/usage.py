"""What processes use of the machine, as Linux tells."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one or more processes together."""

    memory: int
    """Resident bytes; what processes share counts in each."""
    cpu: float
    """Seconds of processor since they began."""


def usage_of(*pids: int | None) -> Usage:
    """Return what processes use; one that has ended, or is not running, counts nothing."""
    memory, cpu = 0, 0.0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        resident = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
        memory += int(resident.split()[1]) * 1024
        cpu += (int(fields[11]) + int(fields[12])) / _TICKS
    return Usage(memory, cpu)
