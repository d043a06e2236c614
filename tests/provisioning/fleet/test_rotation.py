import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store

from platepost.provisioning.brokers import mosquitto_user
from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.rotation import rehearsed, rotate_authority, rotate_broker, rotate_publisher
from platepost.provisioning.people.person import Person
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.certificates import name_hash
from platepost.provisioning.trust.keys import new_key, private_pem, read_private_key
from platepost.provisioning.trust.takeover import serial_of
from platepost.wire.control.people import Operators
from platepost.wire.records import Role


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
    person = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    operators = Operators(before)
    assert operators.recognize(person.x5c, at=datetime.now(UTC)).name == "r-alvarez"


def test_status_says_that_a_cut_off_rotation_left_the_broker_s_key_without_its_certificate(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, empty = mosquitto_user.write, Fleet.create(fleet.directory.parent / "empty", agency="riverside")

    def cut_off(path: Path, content: bytes) -> None:
        if path == empty.broker.certificate:
            raise OSError(28, "No space left on device")
        write(path, content)

    def status() -> str:
        result = CliRunner().invoke(provision, ["fleet", "status", str(empty.directory), "--json"])
        return str(json.loads(result.output)["office"])

    before = status()
    with monkeypatch.context() as patch:
        patch.setattr(mosquitto_user, "write", cut_off)
        with pytest.raises(OSError, match="No space"):
            rotate_broker(empty)
    assert "the broker will not start again: the key in " in status()
    rotate_broker(empty)
    assert status() == before
    empty.broker.private_key.write_text("damaged")
    assert "private_key.pem: not a readable private key" in status()
    empty.broker.certificate.unlink()
    empty.broker.private_key.unlink()
    assert status() == before, "they may have been taken to the broker"


def test_what_the_former_authority_issued_can_still_be_revoked(fleet: Fleet) -> None:
    (serial,) = (one.serial for one in fleet.certificates.of("post-1"))
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
    assert fleet.certificates.is_revoked(int(done.former, 16))
    assert [one.serial for one in fleet.certificates.of("department")] == [int(done.present, 16)]
    assert sorted(path.name for path in fleet.publisher.iterdir()) == ["ca.pem", "certificate.pem", "private_key.pem"]


def test_broker_s_certificate_is_new_and_trusted(fleet: Fleet) -> None:
    done = rotate_broker(fleet)
    assert done.former != done.present
    assert trusts(fleet.post("post-1") / "ca.pem", chain_of(fleet.broker.certificate))


class Cut(BaseException):
    """The power, at one moment."""


@contextmanager
def cut_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a file or folder get its name, and nothing happen after it any more."""
    left = moment

    def cutting(act: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def cut(self: Path, target: Path) -> Path:
            nonlocal left
            done = act(self, target)
            left -= 1
            if not left:
                raise Cut
            return done

        return cut

    for name in ("replace", "rename"):
        monkeypatch.setattr(Path, name, cutting(getattr(Path, name)))
    try:
        yield
    finally:
        monkeypatch.undo()


def cut_off(
    fleet: Fleet, rotate: Callable[[Fleet], object], monkeypatch: pytest.MonkeyPatch, *, least: int = 5
) -> Iterator[Fleet]:
    """Give a copy of the fleet for every moment at which a rotation can be cut off, more than `least`."""
    for moment in range(1, 100):
        with rehearsed(fleet) as copy:
            try:
                with cut_at(moment, monkeypatch):
                    rotate(copy)
            except Cut:
                yield copy
            else:
                assert moment > least
                return


def key_of(folder: Path) -> ec.EllipticCurvePublicKey:
    return Authority.load(folder).key.public_key()


def refusable(fleet: Fleet, folder: Path) -> bool:
    """Tell whether brokers have the list, rightly signed, that a client's certificate is looked up in."""
    _, issuer, *_ = chain_of(folder / "certificate.pem")
    begin = b"-----BEGIN X509 CRL-----"
    broker = fleet.directory / "broker"
    texts = [begin + one for one in (broker / "revoked.pem").read_bytes().split(begin)[1:]]
    texts.append((broker / "revoked" / f"{name_hash(issuer.subject)}.r0").read_bytes())
    ours = [one for one in map(x509.load_pem_x509_crl, texts) if one.issuer == issuer.subject]
    return [one.is_signature_valid(issuer.public_key()) for one in ours] == [True, True]  # type: ignore[arg-type]


@pytest.mark.parametrize("meanwhile", [True, False])
def test_authority_cut_off_is_whole_and_the_former_s_key_is_kept(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, *, meanwhile: bool
) -> None:
    before, key = serial_of(fleet.authority), key_of(fleet.authority)
    seen = set()
    for copy in cut_off(fleet, rotate_authority, monkeypatch):
        if meanwhile:
            folder = copy.add_subscriber("dispatch")
            leaf, issuer, *_ = chain_of(folder / "certificate.pem")
            leaf.verify_directly_issued_by(issuer)
            assert refusable(copy, folder)
            seen.add(issuer.serial_number == int(before, 16))
        rotate_authority(copy)
        assert key_of(copy.authority) != key
        assert key_of(copy.authority / "former" / before) == key
        copy.revoke_certificates("post-1", "stolen")
        assert refusable(copy, copy.post("post-1"))
        assert refusable(copy, copy.add_subscriber("records-keeper"))
        assert not meanwhile or refusable(copy, folder)
    assert seen == ({True, False} if meanwhile else set())


def test_publisher_cut_off_is_whole_when_it_is_rotated_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = serial_of(fleet.publisher)
    for copy in cut_off(fleet, rotate_publisher, monkeypatch):
        done = rotate_publisher(copy)
        assert copy.certificates.is_revoked(int(before, 16))
        assert [one.serial for one in copy.certificates.of("department")] == [int(done.present, 16)]
        assert refusable(copy, copy.publisher)
        assert not list(copy.directory.glob("platepost.department.*"))


def test_broker_cut_off_is_whole_when_it_is_rotated_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says afterwards which certificate was the former: it must be noted as revoked whatever comes between."""
    before = serial_of(fleet.broker.certificate.parent)
    for copy in cut_off(fleet, rotate_broker, monkeypatch, least=3):
        done = rotate_broker(copy)
        assert copy.certificates.is_revoked(int(before, 16))
        assert not copy.certificates.is_revoked(int(done.present, 16))
        key = read_private_key(copy.broker.private_key)
        assert chain_of(copy.broker.certificate)[0].public_key() == key.public_key()
        assert trusts(copy.post("post-1") / "ca.pem", chain_of(copy.broker.certificate))


def test_list_written_with_an_authority_that_was_replaced_meanwhile_leaves_the_present_one_s(fleet: Fleet) -> None:
    opened = fleet.open_authority()
    rotate_authority(fleet)
    fleet.revoke_certificates("post-1", "stolen", authority=opened)
    assert refusable(fleet, fleet.add_subscriber("dispatch"))
    assert refusable(fleet, fleet.post("post-1"))


def test_key_that_is_not_the_certificate_s_is_not_signed_with(fleet: Fleet) -> None:
    (fleet.authority / "private_key.pem").write_bytes(private_pem(new_key()))
    with pytest.raises(ProvisioningError, match=r"private_key\.pem is not the key of the first certificate"):
        fleet.add_subscriber("dispatch")
    with pytest.raises(ProvisioningError, match="is not the key"):
        rotate_authority(fleet)
    assert not (fleet.authority / "former").exists()


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
