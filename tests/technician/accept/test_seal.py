from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import Person
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.technician.accept.seal import ReportRefusedError, seal, unseal
from platepost.wire.records import Keyring, Role, Signer

PAGE = b"<!doctype html>\n<p>Accepted</p>\n"


@pytest.fixture
def technician(tmp_path: Path) -> Person:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    return Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))


def test_a_report_bears_two_signatures_and_stays_a_page(technician: Person) -> None:
    key = new_key()
    report = seal(PAGE, post=Signer.from_pem(private_pem(key)), technician=technician)
    assert report.startswith(PAGE)
    sealed = unseal(report, post_keys=Keyring.from_pem(public_pem(key)))
    assert (sealed.page, sealed.technician) == (PAGE, "r-alvarez")
    assert sealed.x5c == technician.x5c


def test_whatever_is_changed_is_found(technician: Person) -> None:
    key, other = new_key(), new_key()
    report = seal(PAGE, post=Signer.from_pem(private_pem(key)), technician=technician)
    ring = Keyring.from_pem(public_pem(key))
    for changed in (
        report.replace(b"Accepted", b"Refused!"),
        report.replace(b'"post"', b'"best"'),
        report[:-20],
        report + b"<p>and more</p>",
        PAGE,
        b"",
        report.replace(b'"x5c": ["', b'"x5c": ["AAAA'),
        report.replace(b'"x5c": ["', b'"x5c": ' + b"[" * 30_000),
    ):
        with pytest.raises(ReportRefusedError):
            unseal(changed, post_keys=ring)
    with pytest.raises(ReportRefusedError, match="signature of the post"):
        unseal(report, post_keys=Keyring.from_pem(public_pem(other)))
