"""A unit whose certificate's key lives in a TPM, here one in software."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from platepost.common.secrets.held_key import HeldKey, HeldKeyError
from platepost.device.enrollment import tpm as tpm_module
from platepost.device.enrollment.wipe import Leavings, wipe
from tests.provisioning.enrollment.conftest import Department

PROGRAM = """
import sys
from pathlib import Path
from platepost.device.config import load
from platepost.wire.enrollment.est import EstClient
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.provider import begin_with_tpm
from platepost.wire.enrollment.request import make_renewal
path = Path(sys.argv[1])
configuration = load(path)
uplink = configuration.uplink
begin_with_tpm(uplink.private_key, path.parent)
request = make_renewal(configuration.post.name, read_key_file(uplink.private_key))
client = EstClient(configuration.enrollment.office)
ca = uplink.ca.read_bytes()
print(client.renew(request, ca=ca, certificate=uplink.certificate, key=uplink.private_key).decode())
"""


def test_unit_with_a_tpm_is_enrolled_and_renews_over_tls_with_it(
    department: Department, tpm: Callable[[Path], None], tmp_path: Path
) -> None:
    unit = department.unit("unit")
    unit.begin("post-17", tpm=True)
    department.enroll(unit, "post-17", department.invite("post-17"))
    key = unit.directory / "keys" / "private_key.pem"
    assert b"TSS2 PRIVATE KEY" in key.read_bytes()
    first = x509.load_pem_x509_certificate(unit.certificate_path.read_bytes())
    program = tmp_path / "renew.py"
    program.write_text(PROGRAM)

    done = subprocess.run(
        [sys.executable, str(program), str(unit.directory / "post.toml")],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    second = x509.load_pem_x509_certificate(done.stdout.encode())
    assert second.public_key() == first.public_key()
    assert second.serial_number != first.serial_number


def ask_swtpm(command: bytes) -> bytes:
    """Send a command to the TPM in software, as the kernel would."""
    port = int(os.environ["TPM2OPENSSL_TCTI"].rpartition("=")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(command)
        return connection.recv(4096)


def test_a_unit_that_leaves_service_clears_its_tpm_and_a_copy_of_the_key_s_file_is_useless(
    tpm: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tpm_module, "_ask_device", ask_swtpm)
    key, copy = tmp_path / "private_key.pem", tmp_path / "copy.pem"
    tpm(key)
    copy.write_bytes(key.read_bytes())
    HeldKey(copy, "tpm2").sign(b"before", ec.ECDSA(hashes.SHA256()))
    assert wipe(Leavings(keys=(key,), folders=(), files=()), keep=tmp_path / "mark") == []
    assert not key.exists()
    with pytest.raises(HeldKeyError):
        HeldKey(copy, "tpm2").sign(b"after", ec.ECDSA(hashes.SHA256()))
