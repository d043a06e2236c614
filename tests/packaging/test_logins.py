"""A real sshd with a card's settings: a certificate counts until it is revoked, and the post knows the log's lines."""

import os
import shutil
import subprocess
from ipaddress import IPv4Interface
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from platepost.device.enrollment.logins import events_of
from platepost.provisioning.control.signing import sign_configuration
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.ssh import SshAuthority
from platepost.provisioning.image.hardening import SSH_PATH, Service, hardening
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.control.desired import read
from platepost.wire.records import Role
from platepost.wire.records.signing import read_key

SCRIPT = Path(__file__).parents[2] / "packaging" / "systemd" / "logins"
# Its /etc is a copy that only these processes have; `journalctl` gives what sshd logged, with a journal's members.
MACHINE = """
set -e
mount -t tmpfs none /mnt
cp -a /etc/. /mnt
mount --bind /mnt /etc
mount -t tmpfs none /var/lib
mount -t tmpfs none /run
mkdir -p /run/sshd /var/lib/platepost
useradd --home-dir /run/technician --create-home --shell /bin/sh technician
useradd --user-group platepost
cp -r {files}/etc/. /etc
cd {work}
/usr/sbin/sshd -D -e -f /etc/ssh/sshd_config.d/10-platepost.conf -o Port={port} -o HostKey={work}/id -o StrictModes=no \
  -o ListenAddress=127.0.0.1 -o PerSourcePenalties=no -o UsePAM=yes -o PidFile=none -o AuthorizedKeysFile=none 2>log &
server=$!
trap 'kill $server' EXIT
until grep -q listening log; do kill -0 $server; sleep 0.05; done
enter() {{
  ssh -F none -p {port} -i {work}/id -o CertificateFile=$1-cert.pub -o StrictHostKeyChecking=no -o BatchMode=yes \
    -o UserKnownHostsFile=/dev/null technician@127.0.0.1 "echo $1 is in" </dev/null 2>/dev/null || echo $1 is out
}}
set +e
PATH={work}:$PATH
platepost_logins() {{ sh {script}; }}
platepost_logins
enter first
enter second
echo 1 >/var/lib/platepost/revoked-ssh
platepost_logins
enter first
enter second
printf '2\\n$(reboot)\\n-f /etc/passwd\\n' >/var/lib/platepost/revoked-ssh
platepost_logins
enter first
enter second
rm /var/lib/platepost/revoked-ssh
ln -s /etc/shadow /var/lib/platepost/revoked-ssh
platepost_logins
enter first
enter third
platepost_logins
cp /run/platepost-logins/journal {work}/journal
stat -c %U:%G:%a /run/platepost-logins/journal
"""
JOURNALCTL = """\
#!/bin/sh
jq -Rc '{__CURSOR: (input_line_number | tostring), __REALTIME_TIMESTAMP: "1780000000000000", MESSAGE: ., _UID: "0"}' log
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "sshd", "ssh", "ssh-keygen", "jq"))),
    reason="sshd is missing: apt-get install openssh-server, make tools, and run the tests as root",
)


def test_a_revoked_certificate_is_refused_by_sshd_and_stays_so(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage", camera_settings={"path": "x"}))
    authority = SshAuthority(fleet)
    key = ed25519.Ed25519PrivateKey.generate()
    work = tmp_path / "work"
    work.mkdir()
    (work / "id").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    (work / "id").chmod(0o600)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    for name in ("first", "second", "third"):
        (work / f"{name}-cert.pub").write_text(authority.certify(fleet.people["r-alvarez"], line) + "\n")
    (work / "journalctl").write_text(JOURNALCTL)
    (work / "journalctl").chmod(0o755)
    service = Service(
        address=IPv4Interface("192.168.50.1/24"),
        interface="eth0",
        user="technician",
        authority=authority.public_line(),
    )
    for path, text in hardening(service).items():
        file = tmp_path / "files" / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        # The test's sshd listens elsewhere.
        file.write_text(text.replace("ListenAddress 192.168.50.1\n", "") if path == SSH_PATH else text)
    script = MACHINE.format(files=tmp_path / "files", work=work, port=free_port(), script=SCRIPT)
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == [
        "first is in",
        "second is in",
        "first is out",
        "second is in",
        "first is out",
        "second is out",
        "first is out",
        "third is in",
        "root:platepost:640",
    ], done.stderr
    events = [event for _, event in events_of((work / "journal").read_text().splitlines())]
    seen = [(event.action, event.identity, event.source, event.details.get("serial")) for event in events]
    assert seen[:3] == [
        ("logged_in", "r-alvarez", "127.0.0.1", "1"),
        ("logged_out", "r-alvarez", "127.0.0.1", None),
        ("logged_in", "r-alvarez", "127.0.0.1", "2"),
    ]
    assert ("login_refused", "r-alvarez", "127.0.0.1", "1") in seen
    # From the office: what is revoked goes out with the next configuration of any post, and a new certificate counts.
    assert authority.revoke("r-alvarez") == [1, 2, 3]
    authority.certify(fleet.people["r-alvarez"], line)
    jws = sign_configuration(fleet, "post-1", {}, version=1, who="j-stone")
    key_of_fleet = read_key(fleet.configuration_verifying_key.read_bytes())
    assert read(jws, key_of_fleet).payload.settings == {"service": {"revoked_ssh": [1, 2, 3]}}
    assert authority.revoke("r-alvarez") == [4]
