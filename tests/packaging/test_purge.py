"""What is left of a unit after its package was purged."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

POSTRM = Path(__file__).parents[2] / "debian/platepost.postrm"
PURGE = """
set -e
mount -t tmpfs none /var/lib
mkdir -p /var/lib/platepost/outbox /var/lib/other
{mount}
mkdir -p /var/lib/platepost/outbox
touch /var/lib/platepost/outbox/.record /var/lib/other/kept
mount -t tmpfs none /etc
mkdir -p /etc/platepost/keys
sh {script} purge
find /etc /var/lib -mindepth 1 | sort
"""

if os.geteuid() != 0 or not shutil.which("unshare"):
    pytest.skip("root is missing: run the tests as root", allow_module_level=True)


@pytest.mark.parametrize(
    ("mount", "left"),
    [
        ("", ["/var/lib/other", "/var/lib/other/kept"]),
        ("mount -t tmpfs none /var/lib/platepost", ["/var/lib/other", "/var/lib/other/kept", "/var/lib/platepost"]),
    ],
    ids=["folder", "partition"],
)
def test_a_purge_leaves_nothing_of_the_unit(mount: str, left: list[str]) -> None:
    script = PURGE.format(mount=mount, script=POSTRM)
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == left
