"""What root does with a version that a post asks for: the script of the package, with apt, dpkg and RAUC played."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging/systemd/update"
PLAYED = {
    "dpkg-query": 'cat "$ROOT/installed/$4" 2>/dev/null',
    "apt-get": 'echo apt-get "$@"; [ ! -e "$ROOT/apt-fails" ]',
    "rauc": 'echo rauc "$@"',
    "reboot": 'echo reboot "$@"',
}

pytestmark = pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is missing: run the tests on Debian")


class Unit:
    """A unit with packages of one version, or with two systems."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "installed").mkdir()
        (root / "bin").mkdir()
        for name, text in PLAYED.items():
            (root / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (root / "bin" / name).chmod(0o755)
        (root / "var/lib/platepost").mkdir(parents=True)
        (root / "cmdline").write_text("console=tty1 root=/dev/mmcblk0p2\n")
        self.has("1.2.0")

    def has(self, version: str) -> None:
        for name in ("platepost", "platepost-service"):
            (self.root / "installed" / name).write_text(version)
        (self.root / "installed/platepost-runtime").write_text(f"{version}+py313")

    def order(self, version: str) -> list[str]:
        """Let the post ask for a version; return the commands that followed."""
        (self.root / "var/lib/platepost/update").write_text(f"{version}\n")
        return self.run()

    def run(self) -> list[str]:
        script = SCRIPT.read_text(encoding="utf-8").replace("/proc/cmdline", f"{self.root}/cmdline")
        for place in ("/var/lib/platepost", "/etc/platepost", "/run/platepost"):
            script = script.replace(place, f"{self.root}{place}")
        here = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "ROOT": str(self.root), "LC_ALL": "C"}
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, env=os.environ | here)
        assert done.stderr == ""
        return [line for line in done.stdout.splitlines() if not line.startswith("apt-get update")]

    @property
    def answer(self) -> str:
        return (self.root / "run/platepost-update/result").read_text().strip()


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


INSTALL = (
    "apt-get install --quiet --assume-yes --no-install-recommends --only-upgrade {lower}platepost={version} "
    "platepost-service={version} platepost-runtime={version}+py313"
)


def test_all_packages_that_are_there_are_upgraded_together(unit: Unit) -> None:
    assert unit.order("1.10.0") == [INSTALL.format(version="1.10.0", lower="")]
    assert unit.answer == "1.10.0 installed"
    assert not (unit.root / "var/lib/platepost/update").exists()
    assert unit.run() == [], "it is done once"


def test_the_version_before_comes_back_and_nothing_else_that_is_older(unit: Unit) -> None:
    assert unit.order("1.1.0") == []
    assert unit.answer == "1.1.0 older"
    unit.order("1.3.0")
    unit.has("1.3.0")
    assert unit.order("1.1.0") == []
    assert unit.answer == "1.1.0 older"
    assert unit.order("1.2.0") == [INSTALL.format(version="1.2.0", lower="--allow-downgrades ")]
    long_ago = time.time() - 15 * 86400
    os.utime(unit.root / "var/lib/platepost-update/former", (long_ago, long_ago))
    assert unit.order("1.2.0") == [], "after two weeks it is an old version like others"


def test_what_cannot_be_installed_is_answered(unit: Unit) -> None:
    (unit.root / "apt-fails").touch()
    unit.order("1.3.0")
    assert unit.answer == "1.3.0 not_installed"


@pytest.mark.parametrize("version", ["", "latest", "1.3.0 evil", "1.3.0;reboot", "1.3.0/../x", "$(reboot)", "-o"])
def test_what_is_no_version_leads_to_no_command(unit: Unit, version: str) -> None:
    assert unit.order(version) == []
    assert unit.answer == "0 invalid"


def test_a_request_that_leads_elsewhere_is_left_alone(unit: Unit) -> None:
    secret = unit.root / "secret"
    secret.write_text("1.3.0")
    (unit.root / "var/lib/platepost/update").symlink_to(secret)
    assert unit.run() == []


def test_a_unit_with_two_systems_gets_a_bundle_and_goes_back_to_the_other(unit: Unit) -> None:
    (unit.root / "cmdline").write_text("rauc.slot=A root=/dev/mmcblk0p5\n")
    (unit.root / "etc/platepost").mkdir(parents=True)
    (unit.root / "etc/platepost/update-source").write_text("https://releases.example/platepost-%s.raucb\n")
    assert unit.order("1.3.0") == [
        "rauc install https://releases.example/platepost-1.3.0.raucb",
        "reboot 0 tryboot",
    ]
    unit.has("1.3.0")
    assert unit.order("1.2.0") == ["rauc status mark-active other", "reboot 0 tryboot"]
