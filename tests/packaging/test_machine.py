"""What the package sets up on a machine that has a post: clock, logs, and the hardware watchdog."""

import os
import subprocess
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
CHRONY, LOGS, WATCHDOG = (
    "etc/chrony/conf.d/platepost.conf",
    "run/systemd/journald.conf.d/50-platepost.conf",
    "run/systemd/system.conf.d/50-platepost.conf",
)
FILES = {
    CHRONY: PACKAGING / "chrony/platepost.conf",
    LOGS: PACKAGING / "systemd/journald.conf",
    WATCHDOG: PACKAGING / "systemd/watchdog.conf",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with what the package ships."""
    shipped = tmp_path / "usr/share/platepost/machine"
    shipped.mkdir(parents=True)
    for name, source in zip(("chrony.conf", "journald.conf", "watchdog.conf"), FILES.values(), strict=True):
        (shipped / name).write_bytes(source.read_bytes())
    return tmp_path


def set_up(root: Path) -> list[str]:
    """Run the script in a root; return what it asked of systemd."""
    script = (PACKAGING / "systemd/machine").read_text(encoding="utf-8")
    for folder in ("/usr/share/", "/etc/", "/run/"):
        script = script.replace(f"={folder}", f"={root}{folder}")
    stand_ins = "systemctl() { echo $*; }\nbusctl() { shift 4; echo $*; }\n"
    done = subprocess.run(["sh", "-c", stand_ins + script], capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout.splitlines()


def test_a_machine_is_set_up_once_and_its_files_are_put_right(root: Path) -> None:
    asked = set_up(root)
    assert asked == [
        "try-restart chrony.service",
        "try-restart systemd-journald.service",
        "RuntimeWatchdogUSec t 14000000",
        "RebootWatchdogUSec t 120000000",
    ]
    assert {name: (root / name).read_bytes() for name in FILES} == {
        name: source.read_bytes() for name, source in FILES.items()
    }
    assert set_up(root) == [], "nothing is restarted without need"
    (root / CHRONY).write_text("# edited")
    assert set_up(root) == ["try-restart chrony.service"]
    assert (root / CHRONY).read_bytes() == FILES[CHRONY].read_bytes()


def test_nothing_of_the_package_itself_sets_up_a_machine() -> None:
    """Where someone only reads pictures, clock, logs and watchdog are the owner's: no package puts a file there."""
    debian = PACKAGING.parent / "debian"
    texts = [path.read_text(encoding="utf-8") for path in (debian / "rules", debian / "platepost.postinst")]
    texts += [path.read_text(encoding="utf-8") for path in debian.glob("platepost*.install")]
    for place in ("system.conf.d", "journald.conf.d", "chrony/conf.d"):
        assert not [text for text in texts if place in text]
    unit = (PACKAGING / "systemd/platepost-machine.service").read_text(encoding="utf-8")
    assert "ConditionPathExists=|/etc/platepost/post.toml\n" in unit
