import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.trust.certificates import Issuance
from platepost.provisioning.trust.keys import private_pem, public_pem
from platepost.simulator.ground.chance import Chance, sealing
from platepost.wire.contract.deterministic_signer import DeterministicSigner
from platepost.wire.hotlist import HotListStore
from platepost.wire.records import Signer
from platepost.wire.records.signing import Keyring, read_key

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_same_seed_gives_the_same_and_another_gives_another() -> None:
    assert Chance(1, "a").bytes(50) == Chance(1, "a").bytes(50)
    assert Chance(1, "a").bytes() != Chance(2, "a").bytes()
    assert private_pem(Chance(1).key()) == private_pem(Chance(1).key())


def test_identifiers_are_of_version_7_and_sort() -> None:
    chance = Chance(1)
    found = [chance.identifier(1_770_000_000.0 + number // 4) for number in range(40)]
    assert found == sorted(found)
    assert len(set(found)) == 40
    assert {uuid.UUID(text).version for text in found} == {7}


def test_a_fleet_and_its_list_come_out_the_same(tmp_path: Path) -> None:
    packages = []
    for name in ("one", "other"):
        issuance = Issuance(Chance("fleet", 5).key, now=lambda: FOUNDED, valid=timedelta(days=36500))
        fleet = Fleet.create(tmp_path / name, agency="demo", issuance=issuance)
        key = Chance("post").key()
        chance = Chance("seal", 5, 1)
        with sealing(chance):
            packages.append(
                build_package(
                    [HotListRow("7ABC123", "stolen_vehicle", 1)],
                    agency="demo",
                    issuer="the department",
                    version=1,
                    signing_key=fleet.list_signing_key.read_bytes(),
                    post_keys=[public_pem(key)],
                    built=FOUNDED,
                    chance=chance.bytes,
                )
            )
    one, other = (package.split(b"\n", 1) for package in packages)
    assert one[1] == other[1]  # all that the digest covers; the signature before it is made with chance of its own
    certificate = x509.load_pem_x509_certificate((tmp_path / "one" / "broker" / "certificate.pem").read_bytes())
    assert certificate.not_valid_after_utc.year > 2100
    store = HotListStore(
        tmp_path / "lists",
        agency="demo",
        issuer_key=(tmp_path / "one" / "hotlist" / "verifying_key.pem").read_bytes(),
        unseal_key=private_pem(key),
    )
    assert store.install(packages[0], at=FOUNDED).entries == 1


def test_the_steady_signature_is_the_same_and_every_verifier_takes_it() -> None:
    pem = private_pem(Chance("signer").key())
    steady = DeterministicSigner(read_key(pem))
    first, second = steady.sign(b"a record"), steady.sign(b"a record")
    assert first == second
    assert Keyring.from_pem(pem).check(first, b"a record") == Signer.from_pem(pem).kid
