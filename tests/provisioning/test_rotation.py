from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from device.control.operators import Operators
from device.records import Role
from provisioning.cli import provision
from provisioning.control.identity import Identity
from provisioning.errors import ProvisioningError
from provisioning.fleet import Fleet
from provisioning.post_file import PostSettings
from provisioning.rotation import rehearsed, rotate_authority, rotate_broker, rotate_publisher


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",)))
    return fleet


def chain_of(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def trusts(ca: Path, chain: list[x509.Certificate]) -> bool:
    leaf, *above = chain
    builder = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(ca.read_bytes())))
    return bool(builder.build_server_verifier(x509.DNSName("localhost")).verify(leaf, above))


def test_old_posts_trust_the_broker_of_a_new_authority_and_its_people(fleet: Fleet) -> None:
    ca = fleet.post("post-1") / "ca.pem"
    before = ca.read_bytes()
    done = rotate_authority(fleet)
    assert done.former != done.present
    assert trusts(ca, chain_of(fleet.broker.certificate))
    person = Identity.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    operators = Operators(before)
    assert operators.recognise(person.x5c, at=datetime.now(UTC)).name == "r-alvarez"


def test_what_the_former_authority_issued_can_still_be_revoked(fleet: Fleet) -> None:
    (serial,) = (one.serial for one in fleet.ledger.of("post-1"))
    rotate_authority(fleet)
    fleet.revoke_certificates("post-1", "stolen")
    text = (fleet.directory / "broker" / "revoked.pem").read_bytes()
    lists = [
        x509.load_pem_x509_crl(b"-----BEGIN X509 CRL-----" + one) for one in text.split(b"-----BEGIN X509 CRL-----")[1:]
    ]
    assert len(lists) == 2
    assert {entry.serial_number for one in lists for entry in one} == {serial}
    assert len(list((fleet.directory / "broker" / "revoked").iterdir())) == 2


def test_new_authority_needs_the_root(fleet: Fleet) -> None:
    (fleet.root / "private_key.pem").rename(fleet.directory.parent / "offline.pem")
    before = (fleet.authority / "certificate.pem").read_bytes()
    with pytest.raises(ProvisioningError, match="needs the root's key"):
        rotate_authority(fleet)
    assert (fleet.authority / "certificate.pem").read_bytes() == before


def test_former_publisher_is_revoked_and_the_new_one_is_whole(fleet: Fleet) -> None:
    done = rotate_publisher(fleet)
    assert fleet.ledger.is_revoked(int(done.former, 16))
    assert [one.serial for one in fleet.ledger.of("department")] == [int(done.present, 16)]
    assert sorted(path.name for path in fleet.publisher.iterdir()) == ["ca.pem", "certificate.pem", "private_key.pem"]


def test_broker_s_certificate_is_new_and_trusted(fleet: Fleet) -> None:
    done = rotate_broker(fleet)
    assert done.former != done.present
    assert trusts(fleet.post("post-1") / "ca.pem", chain_of(fleet.broker.certificate))


@pytest.mark.parametrize("kind", ["authority", "broker", "publisher"])
def test_rehearsal_changes_nothing_but_the_log(fleet: Fleet, kind: str) -> None:
    def everything() -> dict[str, bytes]:
        files = (path for path in fleet.directory.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files if "acts" not in path.parts}

    before = everything()
    arguments = ["fleet", "rotate", str(fleet.directory), kind, "--rehearse", "--purpose", "drill"]
    result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert everything() == before
    assert [act.action for act in fleet.acts] == ["rotation_rehearsed"]
    with rehearsed(fleet) as copy:
        place = copy.directory
    assert not place.exists()
