"""Technicians log in at units with keys of their own, for as long as they are certified."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
    load_ssh_public_key,
)

from platepost.provisioning.commands.person import person
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.ssh import SshAuthority
from platepost.provisioning.trust.passphrase import FLEET_PASSPHRASE
from platepost.wire.records import Role

PHRASE = b"a phrase for tests"


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    fleet.add_operator("o-park", Role.OPERATOR)
    return fleet


@pytest.fixture
def key(tmp_path: Path) -> Path:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    path = tmp_path / "id_ed25519.pub"
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    path.write_text(f"{line} somebody@laptop\r\n", "utf-8-sig")  # as editors on Windows write it
    return path


def certify(fleet: Fleet, name: str, key: Path) -> SSHCertificate:
    words = ["ssh-key", str(fleet.directory), name, str(key), "--as", "j-stone", "--purpose", "a new laptop"]
    assert CliRunner().invoke(person, words, catch_exceptions=False).exit_code == 0
    found = load_ssh_public_identity(key.with_name("id_ed25519-cert.pub").read_bytes())
    assert isinstance(found, SSHCertificate)
    return found


def test_a_technician_s_key_is_certified_by_name_until_the_certification_ends(fleet: Fleet, key: Path) -> None:
    found = certify(fleet, "r-alvarez", key)
    found.verify_cert_signature()
    signer = found.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert SshAuthority(fleet).public_line().startswith(signer)
    assert found.serial
    assert found.public_key() == load_ssh_public_key(key.read_text("utf-8-sig").encode())
    assert (found.key_id, found.valid_principals) == (b"r-alvarez", [b"technician"])
    assert found.valid_before == int(fleet.people["r-alvarez"].expires.timestamp())
    assert found.valid_after < datetime.now(UTC).timestamp()
    *_, act = fleet.acts
    assert (act.action, act.object) == ("ssh_key_certified", "r-alvarez")


def test_ssh_itself_reads_what_was_certified(fleet: Fleet, key: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is missing: make tools")
    certify(fleet, "r-alvarez", key)
    told = subprocess.run(
        ["ssh-keygen", "-L", "-f", str(key.with_name("id_ed25519-cert.pub"))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 'Key ID: "r-alvarez"' in told
    assert "permit-pty" in told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("o-park", "o-park is certified as operator"),
        ("r-alvarez", "the certification of r-alvarez ended"),
        ("nobody", "not in the register"),
    ],
)
def test_nobody_else_s_key_is_certified(fleet: Fleet, key: Path, name: str, said: str) -> None:
    fleet.people.expire("r-alvarez", datetime.now(UTC))
    with pytest.raises(ProvisioningError, match=said):
        certify(fleet, name, key)
    assert not key.with_name("id_ed25519-cert.pub").exists()


FIDO_KEY = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABHNzaDo="
"""An ed25519 key of zeros on a token."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "is a private key"),
        ("ssh-ed25519 AAAA", "not an ssh public key that can be certified"),
        ("hello", "expected ssh public keys"),
        (f"sk-ssh-ed25519@openssh.com {FIDO_KEY}", "a key on a FIDO token"),
    ],
)
def test_what_is_no_public_key_is_not_certified(fleet: Fleet, key: Path, text: str, said: str) -> None:
    key.write_text(text)
    with pytest.raises(ProvisioningError, match=said):
        certify(fleet, "r-alvarez", key)


def test_the_authority_s_own_key_is_sealed_where_the_fleet_s_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_bytes(PHRASE)
    phrase.chmod(0o600)
    monkeypatch.setenv("PLATEPOST_PASSPHRASE_FILE", str(phrase))
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", passphrase=PHRASE)
    line = SshAuthority(fleet).public_line()
    private = fleet.directory / "ssh" / "private_key.pem"
    assert b"ENCRYPTED" in private.read_bytes()
    assert private.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("PLATEPOST_PASSPHRASE_FILE")
    FLEET_PASSPHRASE.forget()
    assert SshAuthority(fleet).public_line() == line, "a card takes no passphrase"


def test_a_person_s_certificates_are_revoked_by_hand_and_when_they_leave(fleet: Fleet, key: Path) -> None:
    first, second = certify(fleet, "r-alvarez", key), certify(fleet, "j-stone", key)
    assert (first.serial, second.serial) == (1, 2)
    for command in ("ssh-revoke", "expire"):
        words = [command, str(fleet.directory), "r-alvarez", "--as", "j-stone", "--purpose", "laptop stolen"]
        done = CliRunner().invoke(person, words, catch_exceptions=False)
        assert "configuration rollout FLEET" in done.output
        *_, act = fleet.acts
        assert act.details["ssh_serials"] == [SshAuthority(fleet).revoked()[-1]]
        if command == "ssh-revoke":
            assert certify(fleet, "r-alvarez", key).serial == 3, "they are certified still"
    assert SshAuthority(fleet).revoked() == (1, 3)
