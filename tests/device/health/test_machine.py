import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from platepost.device.health.machine import MachineMonitor, Readings, read_machine

MIB = 1024 * 1024
WELL = Readings(celsius=50.0, throttled=0, disk_free=8000 * MIB, disk_size=16000 * MIB, worn=None)


def judged(*readings: Readings) -> list[set[str]]:
    machine = MachineMonitor(Path())
    return [set(machine.judge(reading)) for reading in readings]


def with_(**changes: Any) -> Readings:
    return replace(WELL, **changes)


def test_heat_is_named_and_heals_with_a_margin() -> None:
    assert judged(*(with_(celsius=degrees) for degrees in (79, 80, 76, 75, 74.9, 79))) == [
        set(),
        {"too_hot"},
        {"too_hot"},
        {"too_hot"},
        set(),
        set(),
    ]


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0x0, set()),
        (0x1, {"under_voltage"}),
        (0x2, {"throttled"}),
        (0x4, {"throttled"}),
        (0x5, {"throttled", "under_voltage"}),
        (0x8, {"throttled"}),
        (0x50000, set()),  # has happened since the start, and is over
    ],
)
def test_the_firmware_s_bits_are_understood(bits: int, names: set[str]) -> None:
    assert judged(with_(throttled=bits)) == [names]


@pytest.mark.parametrize(
    ("bits", "alarm", "names"),
    [(None, True, {"under_voltage"}), (None, False, set()), (0x0, True, set()), (0x1, False, {"under_voltage"})],
)
def test_where_the_firmware_is_silent_the_kernel_s_sensor_is_heard(
    *, bits: int | None, alarm: bool, names: set[str]
) -> None:
    assert judged(with_(throttled=bits, low_voltage=alarm)) == [names]


@pytest.mark.parametrize(
    ("card", "written", "missing"),
    [
        (False, None, ()),
        (True, "\n", ()),
        (True, "firewall swap\n", ("firewall", "swap")),
        (True, None, ("unknown",)),
    ],
)
def test_what_of_the_hardening_is_not_in_force_is_a_fault_of_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, card: bool, written: str | None, missing: tuple[str, ...]
) -> None:
    rules, unprotected = tmp_path / "rules", tmp_path / "missing"
    monkeypatch.setattr("platepost.device.health.machine.RULES", rules)
    monkeypatch.setattr("platepost.device.health.machine.UNPROTECTED", unprotected)
    if card:
        rules.touch()
    if written is not None:
        unprotected.write_text(written)
    readings = read_machine(tmp_path)
    assert readings.unprotected == missing
    assert ("hardening_missing" in judged(readings)[0]) == bool(missing)
    (finding,) = [each for each in MachineMonitor(tmp_path).findings() if each.point == "hardening"]
    assert finding.good == (not missing)
    assert all(name in finding.said for name in missing)
    assert ("not tested" in finding.said) == (not card)


def test_space_is_low_below_half_a_gibibyte_or_a_twentieth_and_heals_with_a_margin() -> None:
    large = [with_(disk_free=free * MIB) for free in (513, 511, 520, 620)]
    assert judged(*large) == [set(), {"storage_low"}, {"storage_low"}, set()]
    assert judged(with_(disk_free=51 * MIB, disk_size=1000 * MIB)) == [set()]
    assert judged(with_(disk_free=49 * MIB, disk_size=1000 * MIB)) == [{"storage_low"}]


def test_worn_storage_is_named() -> None:
    assert judged(with_(worn="life"), WELL) == [{"storage_worn"}, set()]


def test_a_machine_that_tells_nothing_has_no_faults() -> None:
    assert judged(Readings(None, None, None, None, None)) == [set()]


class Pi:
    """What a Pi with an eMMC shows under /sys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        device = root.stat().st_dev
        self.write("class/thermal/thermal_zone0/temp", "51234\n")
        self.write("class/thermal/thermal_zone1/temp", "61500\n")
        self.write("devices/platform/soc/soc:firmware/get_throttled", "50005\n")
        self.write("block/mmcblk0/device/life_time", "0x01 0x01\n")
        self.write("block/mmcblk0/device/pre_eol_info", "0x01\n")
        self.write("block/mmcblk0/mmcblk0p2/partition", "2\n")
        self.write("fs/ext4/mmcblk0p2/errors_count", "0\n")
        (root / "dev/block").mkdir(parents=True)
        number = f"{os.major(device)}:{os.minor(device)}"
        (root / "dev/block" / number).symlink_to(root / "block/mmcblk0/mmcblk0p2")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


def test_what_a_pi_shows_is_read(pi: Pi) -> None:
    readings = read_machine(pi.root, system=pi.root)
    assert readings.celsius == 61.5
    assert readings.throttled == 0x50005
    assert readings.worn is None
    assert readings.disk_free is not None
    assert readings.disk_size is not None


def test_a_pi_5_has_its_firmware_elsewhere(tmp_path: Path) -> None:
    where = tmp_path / "devices/platform/soc@107c000000/soc@107c000000:firmware"
    where.mkdir(parents=True)
    (where / "get_throttled").write_text("50005\n")
    assert read_machine(tmp_path, system=tmp_path).throttled == 0x50005


@pytest.mark.parametrize(("text", "low"), [("0\n", False), ("1\n", True), ("nonsense\n", None)])
def test_the_kernel_s_sensor_of_the_supply_is_found_by_its_name(pi: Pi, text: str, *, low: bool | None) -> None:
    pi.write("class/hwmon/hwmon0/name", "cpu_thermal\n")
    pi.write("class/hwmon/hwmon0/in0_lcrit_alarm", "1\n")
    pi.write("class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    pi.write("class/hwmon/hwmon2/name", "rpi_volt\n")
    pi.write("class/hwmon/hwmon2/in0_lcrit_alarm", text)
    assert read_machine(pi.root, system=pi.root).low_voltage is low


@pytest.mark.parametrize(
    ("name", "text", "worn"),
    [
        ("block/mmcblk0/device/life_time", "0x02 0x0b\n", "life"),
        ("block/mmcblk0/device/life_time", "nonsense\n", None),
        ("block/mmcblk0/device/pre_eol_info", "0x02\n", "reserve"),
        ("fs/ext4/mmcblk0p2/errors_count", "3\n", "errors"),
    ],
)
def test_what_speaks_for_worn_storage_is_read(pi: Pi, name: str, text: str, worn: str | None) -> None:
    pi.write(name, text)
    assert read_machine(pi.root, system=pi.root).worn == worn


def test_a_machine_without_any_of_it_is_read_too(tmp_path: Path) -> None:
    readings = read_machine(tmp_path / "gone", system=tmp_path)
    assert readings == Readings(None, None, None, None, None)
