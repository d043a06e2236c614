"""What chrony makes of the configuration that the package and a prepared card bring."""

import shutil
import subprocess
from pathlib import Path

import pytest

from platepost.provisioning.image.recipe import CHRONY_PATH, setup_script

SHIPPED = Path(__file__).parents[2] / "packaging" / "chrony" / "platepost.conf"
CHRONYD = shutil.which("chronyd") or shutil.which("chronyd", path="/usr/sbin:/usr/local/sbin")
# Of Debian 13's chrony.conf, what the shipped file stands beside.
DEBIAN = "pool 2.debian.pool.ntp.org iburst\nsourcedir {0}/sources.d\nrtcsync\nmakestep 1 3\nconfdir {0}/conf.d\n"

pytestmark = pytest.mark.skipif(CHRONYD is None, reason="chrony is missing: make tools")


def understood(folder: Path) -> list[str]:
    """Return the directives as chronyd reads them."""
    (folder / "conf.d").mkdir(exist_ok=True)
    shutil.copy(SHIPPED, folder / "conf.d")
    (folder / "chrony.conf").write_text(DEBIAN.format(folder))
    assert CHRONYD is not None
    read = subprocess.run(
        [CHRONYD, "-p", "-f", str(folder / "chrony.conf")], capture_output=True, text=True, check=False
    )
    assert read.returncode == 0, read.stdout + read.stderr
    return read.stdout.splitlines()


def test_every_step_is_taken_and_bounded(tmp_path: Path) -> None:
    read = understood(tmp_path)
    makestep = [line for line in read if line.startswith("makestep")]
    assert makestep[-1] == "makestep 1 -1", "the last one counts"
    seconds = float(next(line for line in read if line.startswith("maxchange")).split()[1])
    to_2038, weeks_miscounted = 12 * 365 * 86400, 1024 * 7 * 86400
    assert to_2038 < seconds < weeks_miscounted


def test_a_card_with_time_servers_of_the_departments_believes_no_other(tmp_path: Path) -> None:
    script = setup_script(["time.example", "clock.riverside.example"]).replace(CHRONY_PATH, str(tmp_path))
    lines = [line for line in script.splitlines() if str(tmp_path) in line]
    subprocess.run(["sh", "-eu"], input="\n".join(lines), text=True, check=True)
    assert (tmp_path / "sources.d" / "platepost.sources").read_text() == (
        "server time.example iburst nts\nserver clock.riverside.example iburst nts\n"
    )
    assert "authselectmode require" in understood(tmp_path)
    assert CHRONY_PATH not in setup_script()
