"""The command as a package installs it: what a technician, who is root, does with the keys of an installed unit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings

DEBIAN = Path(__file__).parents[2] / "debian"
# The unit's own /etc is a copy that only these processes have.
UNIT = """
set -e
mount -t tmpfs none /mnt
cp -a /etc/. /mnt
mount --bind /mnt /etc
mount -t tmpfs none /var/lib
getent group platepost >/dev/null || echo 'platepost:x:64999:' >>/etc/group
{install}
echo KEYS
ls /etc/platepost/keys
echo COMMAND
{python} -I {wrapper} decommission --wait 0 --yes --person 'R. Alvarez' --purpose 'pole removed'
echo LEFT
ls /etc/platepost/keys
find /etc/platepost /var/lib -name outbox.key
grep -rl 'PRIVATE KEY' /etc/platepost /var/lib || true
{python} -I {wrapper} decommission --yes --person 'R. Alvarez' --purpose 'pole removed'
"""
# `systemctl`, which `platepost-adopt` uses at its end, needs a booted system.
ADOPTED = "PATH={stand_ins}:$PATH sh {debian}/bin/platepost-adopt {post}"
ENROLLED = """
install -d -m 750 /etc/platepost /etc/platepost/keys
cp -r {post}/. /etc/platepost
cd /etc/platepost
mv outbox.key $(grep -ls 'PRIVATE KEY' *) keys/
sed -i -E 's,= "(outbox.key|(private|signing|unseal)_key.pem)",= "keys/\\1",' post.toml
cd /
"""

if os.geteuid() != 0 or not shutil.which("unshare"):
    pytest.skip("root is missing: run the tests as root", allow_module_level=True)


@pytest.mark.parametrize("install", [ADOPTED, ENROLLED], ids=["adopted", "enrolled"])
def test_a_decommissioned_unit_has_no_key(tmp_path: Path, install: str) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    settings = PostSettings(brokers=("127.0.0.1:1",), camera="footage", camera_settings={}, board="virtual")
    post = fleet.add_post("post-1", settings)
    (tmp_path / "systemctl").write_text("#!/bin/sh\n")
    (tmp_path / "systemctl").chmod(0o755)
    script = UNIT.format(
        install=install.format(stand_ins=tmp_path, debian=DEBIAN, post=post),
        python=sys.executable,
        wrapper=DEBIAN / "bin/platepost",
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    before, _, after = done.stdout.partition("COMMAND\n")
    output, _, left = after.partition("LEFT\n")
    assert len(before.partition("KEYS\n")[2].split()) == 4, "keys of the uplink, records, list and outbox"
    assert "Gone: keys" in output, done.stderr
    assert "To do" not in output
    assert left == ""
    assert "already" in done.stderr
