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
mkdir -p /var/lib/platepost/state /var/lib/platepost-update /var/lib/other
{mount}
mkdir -p /var/lib/platepost/state
touch /var/lib/platepost/state/clock.json /var/lib/platepost-update/bundle /var/lib/other/kept
mount -t tmpfs none /etc
mkdir -p /etc/platepost/keys /etc/platepost/posts
touch /etc/platepost/decommissioned.json
{left}
sh {script} purge
find /etc /var/lib -mindepth 1 -type f | sort
ls -d /var/lib/platepost* || true
"""

if os.geteuid() != 0 or not shutil.which("unshare"):
    pytest.skip("root is missing: run the tests as root", allow_module_level=True)


def purged(*, mount: str = "", left: str = "") -> tuple[list[str], str]:
    """Purge a unit of a mount namespace of its own; return what is left of its files, and what was printed of it."""
    script = PURGE.format(mount=mount, left=left, script=POSTRM)
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize(
    ("mount", "left"),
    [
        ("", ["/var/lib/other/kept"]),
        ("mount -t tmpfs none /var/lib/platepost", ["/var/lib/other/kept", "/var/lib/platepost"]),
    ],
    ids=["folder", "partition"],
)
def test_a_purge_leaves_nothing_of_a_decommissioned_unit(mount: str, left: list[str]) -> None:
    assert purged(mount=mount)[0] == left


@pytest.mark.parametrize(
    "left",
    [
        "/etc/platepost/keys/outbox.key",
        "/etc/platepost/posts/north/keys/client.key",
        "/var/lib/platepost/state/outbox.db",
        "/var/lib/platepost-posts/north/outbox.damaged-20260131T170509.db",
    ],
)
def test_a_purge_keeps_a_unit_that_was_not_decommissioned(left: str) -> None:
    found, printed = purged(left=f"mkdir -p $(dirname {left}); touch {left}")
    assert left in found
    assert "/var/lib/platepost/state/clock.json" in found
    assert "/var/lib/platepost-update/bundle" not in found
    assert "was not decommissioned" in printed
