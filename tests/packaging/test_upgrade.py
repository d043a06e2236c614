"""What dpkg itself does with the maintainer scripts; what they ask of systemd is only noted."""

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = (
    "platepost-confirm.timer platepost-hardening.timer platepost-posts.target platepost-reboot.path "
    "platepost-update.path platepost.service"
)
MACHINE = "systemctl try-restart platepost-machine.service"
NOTED = ("deb-systemd-helper", "deb-systemd-invoke", "systemctl", "systemd-sysusers", "systemd-tmpfiles")
"""Commands of the scripts that are not to touch the machine of a test."""
ROOM, SMALL, LARGE = "4m", 100_000, 6_000_000
"""Of the unit's disk, and bytes of a package that fits into it and of one that does not."""

if os.geteuid() != 0 or not all(map(shutil.which, ("dh", "dpkg", "dpkg-deb", "unshare"))):
    pytest.skip(
        "root or debhelper is missing: make tools, and run the tests as root",
        allow_module_level=True,
    )


def maintainer_scripts(source: Path) -> dict[str, str]:
    """Return the scripts of the package `platepost`, by their names, as debhelper writes them."""
    shutil.copytree(ROOT / "debian", source / "debian")
    for package, units in (("platepost", "systemd"), ("platepost-department", "department")):
        shutil.copytree(ROOT / "packaging" / units, source / "debian" / package / "usr/lib/systemd/system")
    for command in (
        "dh_installsysusers -pplatepost",
        "dh_installtmpfiles -pplatepost",
        "debian/rules override_dh_installsystemd",
        "dh_installdeb -pplatepost",
    ):
        subprocess.run(command.split(), cwd=source, check=True, capture_output=True)
    written = source / "debian/platepost/DEBIAN"
    return {name: (written / name).read_text(encoding="utf-8") for name in ("preinst", "postinst", "prerm", "postrm")}


class Unit:
    """A disk with little room, seen by this unit's dpkg only, on a machine that systemd seems to run.

    Args:
        folder: what it may write to.
        second: bytes of the package that follows the first.

    """

    def __init__(self, folder: Path, second: int) -> None:
        self._folder, self._root = folder, folder / "root"
        self._notes = folder / "notes"
        self._scripts = maintainer_scripts(folder / "source")
        self._packages = [self._build(version, size) for version, size in ((1, SMALL), (2, second))]
        stubs = folder / "stubs"
        stubs.mkdir()
        for name in NOTED:
            stub = stubs / name
            stub.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self._notes}"\n')
            stub.chmod(0o755)

    def _build(self, version: int, size: int) -> Path:
        root = self._folder / f"tree{version}"
        (root / "DEBIAN").mkdir(parents=True)
        for script, text in self._scripts.items():
            # dpkg installs below a root here; the scripts are to do what they do on a unit.
            here = text.replace('"$DPKG_ROOT/', f'"{self._root}/')
            (root / "DEBIAN" / script).write_text(here.replace("set -e\n", "set -e\nDPKG_ROOT=\n", 1), encoding="utf-8")
            (root / "DEBIAN" / script).chmod(0o755)
        (root / "DEBIAN" / "control").write_text(
            f"Package: platepost\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
        )
        code = root / "usr" / "lib" / "platepost" / "code"
        code.parent.mkdir(parents=True)
        code.write_bytes(os.urandom(size))
        package = self._folder / f"{version}.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--build", root, package], check=True, capture_output=True)
        return package

    def upgrade(self) -> tuple[subprocess.CompletedProcess[str], list[str], list[str]]:
        """Install the first and then the second; return how that ended, and what each asked of systemd."""
        root = self._root
        root.mkdir()
        first, second = self._packages
        script = f"""
            mount -t tmpfs -o size={ROOM} none {root} && mount -t tmpfs none /run || exit 98
            mkdir -p /run/systemd/system && cd {root} && mkdir -p var/lib/dpkg && cd var/lib/dpkg || exit 99
            mkdir info updates triggers && touch status available
            export LC_ALL=C PATH={self._folder}/stubs:$PATH
            dpkg="dpkg --root={root} --force-script-chrootless --force-depends --log=/dev/null -i"
            $dpkg {first} && mv {self._notes} {self._notes}.first || exit 99
            $dpkg {second} </dev/null
            code=$?
            dpkg-query --admindir={root}/var/lib/dpkg -W -f '${{Version}} ${{Status}}' platepost
            exit $code
        """
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
        )
        if done.returncode == 98 or done.stderr.startswith("unshare:"):
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        assert done.returncode != 99, done.stderr
        before, after = (
            [line for line in notes.read_text().splitlines() if line.startswith(("deb-systemd-invoke", MACHINE))]
            for notes in (self._notes.with_name("notes.first"), self._notes)
        )
        return done, before, after


def test_an_upgrade_for_which_there_is_no_room_leaves_the_old_post_running(tmp_path: Path) -> None:
    done, before, after = Unit(tmp_path, LARGE).upgrade()
    assert before == [f"deb-systemd-invoke start {UNITS}", MACHINE]
    assert "No space left on device" in done.stderr
    assert done.returncode == 1
    assert done.stdout.endswith("1 install ok installed")
    assert after == [f"deb-systemd-invoke stop {UNITS}", f"deb-systemd-invoke start {UNITS}"]


def test_an_upgrade_starts_the_post_and_sets_up_its_machine(tmp_path: Path) -> None:
    done, _, after = Unit(tmp_path, SMALL).upgrade()
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("2 install ok installed")
    assert after[-2:] == [f"deb-systemd-invoke start {UNITS}", MACHINE]
