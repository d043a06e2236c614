"""The machine under the post: temperature, throttling, voltage, storage, hardening; read without a command."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from platepost.device.part import Interval, Part
from platepost.wire.faults import Fault
from platepost.wire.records import Finding

SYSTEM = Path("/sys")
CHECK_SECONDS = 5.0
"""How often the machine is asked."""
HOT, COOL = 80.0, 75.0
"""Celsius at which the processor is too hot, and no longer so. A Pi 4 or 5 slows down from 80, and hard at 85:
https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#thermal-management-and-performance."""
UNDER_VOLTAGE, SLOWED = 0x1, 0x2 | 0x4 | 0x8
"""Present-time bits of the firmware's `get_throttled`: under-voltage; frequency capped, throttled, soft limit.
https://www.raspberrypi.com/documentation/computers/os.html#get_throttled."""
FIRMWARE = "soc*/soc*:firmware/get_throttled"
"""Below devices/platform: `soc/soc:firmware` on a Pi 4, `soc@107c000000/soc@107c000000:firmware` on a Pi 5. Only
Raspberry Pi's own kernels have the file, and not all of them."""
VOLTAGE, ALARM = "rpi_volt", "in0_lcrit_alarm"
"""Name and file of the kernel's own under-voltage sensor, drivers/hwmon/raspberrypi-hwmon.c: 1 while it is too low."""
RULES, UNPROTECTED = Path("/etc/platepost-firewall.nft"), Path("/run/platepost-hardening/missing")
"""The firewall's rules, which only a card brings, and where root writes what of its hardening is not in force."""
LOW_SHARE, LOW_BYTES = 0.05, 512 * 1024 * 1024
"""Space on the outbox's disk is low below a twentieth of it, or 512 MiB where a twentieth is more."""
ROOM = 1.2
"""Space must come back to so much above the limit before it is no longer low."""
WORN_LIFE, WORN_RESERVE = 0x0A, 0x02
"""eMMC's own estimate (JESD84-B51, EXT_CSD 267 to 269): 90 to 100 % of its life used; reserve blocks 80 % used."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What the machine says of itself; None where it says nothing."""

    celsius: float | None
    throttled: int | None
    """Bits of the Raspberry Pi's firmware."""
    low_voltage: bool | None = field(default=None, kw_only=True)
    """What the kernel's sensor says of the supply."""
    disk_free: int | None
    disk_size: int | None
    worn: str | None
    """What speaks for worn storage: `life`, `reserve` or `errors`; None if nothing does."""
    unprotected: tuple[str, ...] = field(default=(), kw_only=True)
    """What of the card's hardening is not in force, such as `firewall`; `unknown` if no one has checked."""


def read_machine(folder: Path, *, system: Path = SYSTEM) -> Readings:
    """Ask the machine; `folder` is on the disk that matters. Never raises."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        free = size = None
    else:
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    return Readings(
        celsius=celsius(system),
        throttled=_throttled(system),
        low_voltage=_low_voltage(system),
        disk_free=free,
        disk_size=size,
        worn=_worn(folder, system),
        unprotected=_unprotected(),
    )


class MachineMonitor(Part):
    """Asks the machine, and judges with a margin between a fault and none.

    Args:
        folder: is on the disk that matters.
        ask: asks the machine.

    """

    def __init__(self, folder: Path, *, ask: Callable[[Path], Readings] = read_machine) -> None:
        self._folder = folder
        self._ask = ask
        self._check_due = Interval(CHECK_SECONDS)
        self._hot = self._low = False
        self._faults: frozenset[Fault] = frozenset()

    def poll(self, now: float) -> None:
        """Ask the machine now and then."""
        if self._check_due.due(now):
            self._faults = self.judge(self._ask(self._folder))

    def faults(self) -> frozenset[Fault]:
        """Name what was wrong at the last look."""
        return self._faults

    def findings(self) -> tuple[Finding, ...]:
        """Report how much space is left, and what of the hardening is not in force."""
        readings = self._ask(self._folder)
        free, missing = readings.disk_free, ", ".join(readings.unprotected)
        space = "its free space is unknown" if free is None else f"{free // (1024 * 1024)} MiB free"
        hardening = "active" if RULES.exists() else "not tested: this unit was not prepared as a card"
        return (
            Finding(point="disk", good=(free or 0) > 100 * 1024 * 1024, said=space),
            Finding(point="hardening", good=not missing, said=f"missing: {missing}" if missing else hardening),
        )

    def judge(self, readings: Readings) -> frozenset[Fault]:
        """Return the faults that readings show, with those before in mind."""
        if readings.celsius is not None:
            self._hot = readings.celsius >= (COOL if self._hot else HOT)
        if readings.disk_free is not None and readings.disk_size is not None:
            limit = min(LOW_SHARE * readings.disk_size, LOW_BYTES)
            self._low = readings.disk_free < (ROOM * limit if self._low else limit)
        bits = readings.throttled or 0
        conditions = {
            Fault.TOO_HOT: self._hot,
            Fault.THROTTLED: bool(bits & SLOWED),
            Fault.UNDER_VOLTAGE: bool(readings.low_voltage if readings.throttled is None else bits & UNDER_VOLTAGE),
            Fault.STORAGE_LOW: self._low,
            Fault.STORAGE_WORN: readings.worn is not None,
            Fault.HARDENING_MISSING: bool(readings.unprotected),
        }
        return frozenset(fault for fault, present in conditions.items() if present)


def celsius(system: Path = SYSTEM) -> float | None:
    """Return how hot the hottest thermal zone is, None where none says: a Pi has one, the processor."""
    zones = [_number(zone / "temp", 10) for zone in sorted((system / "class/thermal").glob("thermal_zone*"))]
    known = [zone / 1000 for zone in zones if zone is not None]
    return max(known, default=None)


def _throttled(system: Path) -> int | None:
    words = [_number(path, 16) for path in sorted((system / "devices/platform").glob(FIRMWARE))]
    return next((word for word in words if word is not None), None)


def _low_voltage(system: Path) -> bool | None:
    for sensor in sorted((system / "class/hwmon").glob("hwmon*")):
        try:
            name = (sensor / "name").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        alarm = _number(sensor / ALARM, 10)
        if name == VOLTAGE and alarm is not None:
            return alarm > 0
    return None


def _worn(folder: Path, system: Path) -> str | None:
    try:
        device = os.stat(folder).st_dev  # noqa: PTH116 - its number, not its path
        block = (system / "dev/block" / f"{os.major(device)}:{os.minor(device)}").resolve()
    except OSError:
        return None
    if (_number(system / "fs/ext4" / block.name / "errors_count", 10) or 0) > 0:
        return "errors"
    for card in (block / "device", block.parent / "device"):  # a partition's disk is the folder above
        if (_number(card / "pre_eol_info", 16) or 0) >= WORN_RESERVE:
            return "reserve"
        try:
            lives = [int(life, 16) for life in (card / "life_time").read_text(encoding="ascii").split()]
        except (OSError, ValueError):
            continue
        if max(lives, default=0) >= WORN_LIFE:
            return "life"
    return None


def _unprotected() -> tuple[str, ...]:
    if not RULES.exists():
        return ()  # no card: its hardening is its owner's
    try:
        return tuple(UNPROTECTED.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return ("unknown",)


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").strip(), base)
    except (OSError, ValueError):
        return None
