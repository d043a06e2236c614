import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.certificates import name_hash
from platepost.provisioning.trust.ledger import key_digest
from platepost.wire.records import Role


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    for name in ("post-1", "post-2"):
        fleet.add_post(name, PostSettings(brokers=("localhost:8883",)))
    return fleet


def revoked(fleet: Fleet) -> set[int]:
    authority = fleet.open_authority()
    signed = x509.load_pem_x509_crl((fleet.directory / "broker" / "revoked.pem").read_bytes())
    assert signed.is_signature_valid(authority.key.public_key())  # type: ignore[arg-type]
    return {entry.serial_number for entry in signed}


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())


def test_list_for_brokers_names_what_was_revoked_and_nothing_else(fleet: Fleet) -> None:
    assert revoked(fleet) == set()
    serial = certificate(fleet.post("post-1")).serial_number
    assert fleet.revoke_certificates("post-1", "stolen") == [serial]
    assert revoked(fleet) == {serial}
    assert fleet.certificates.is_revoked(serial)
    assert fleet.certificates.of("post-1") == []
    assert fleet.revoke_certificates("post-1", "again") == []
    fleet.certificates.revoked([serial], "again")
    assert [(known, reason) for known, reason, _ in fleet.certificates.revocations()] == [(serial, "stolen")]


def test_list_lies_where_brokers_look_by_the_hash_of_the_authority_s_name(fleet: Fleet) -> None:
    name = name_hash(fleet.open_authority().certificate.subject)
    command = ["openssl", "crl", "-hash", "-noout", "-in", str(fleet.broker.revoked)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == name
    folder = fleet.directory / "broker" / "revoked"
    assert (folder / f"{name}.r0").read_bytes() == (fleet.directory / "broker" / "revoked.pem").read_bytes()


def test_issuing_authority_makes_no_authority_and_opens_with_its_own_key_alone(fleet: Fleet, tmp_path: Path) -> None:
    issuing, root = fleet.open_authority().certificate, fleet.open_authority().above[-1]
    for one, length in ((issuing, 0), (root, 1)):
        said = one.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (said.ca, said.path_length) == (True, length), "a post takes who makes authorities for a root"
    Authority.create("riverside").save(tmp_path / "other")
    fleet.open_authority().save_certificates(tmp_path / "other")
    with pytest.raises(ProvisioningError, match="is not the key of the first certificate"):
        Authority.load(tmp_path / "other")


def test_ledger_knows_whose_key_it_is(fleet: Fleet) -> None:
    key = key_digest(certificate(fleet.post("post-2")).public_key())
    assert fleet.certificates.holders(key) == {"post-2"}
    assert {"broker", "department"} - {one.name for one in fleet.certificates.all()} == {"broker"}


def test_half_a_line_of_a_power_cut_is_cut_off_and_damage_is_named(fleet: Fleet) -> None:
    path = fleet.authority / "ledger.jsonl"
    with path.open("ab") as file:
        file.write(b'{"revoked": "12')
    fleet.revoke_certificates("post-1", "stolen")
    assert len(fleet.certificates.revocations()) == 1
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    with pytest.raises(ProvisioningError, match="line 1: the log is damaged"):
        fleet.certificates.all()


@pytest.mark.parametrize("line", [b'{"reason":"no_code"}', b"[]", b"1"])
def test_a_line_of_no_known_kind_is_damage(fleet: Fleet, line: bytes) -> None:
    path = fleet.authority / "ledger.jsonl"
    before = path.read_bytes()
    path.write_bytes(before + line + b"\n")
    with pytest.raises(ProvisioningError, match="the log is damaged"):
        fleet.certificates.revocations()


def test_expired_person_s_certificate_is_revoked(fleet: Fleet) -> None:
    serial = certificate(fleet.add_operator("r-alvarez", Role.TECHNICIAN)).serial_number
    fleet.remove_operator("r-alvarez")
    assert revoked(fleet) == {serial}
