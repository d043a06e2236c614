"""The certification of who answers for the server ends while it is open: said ahead, and nothing is half done."""

import base64
import http.client
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.unit import UnitEnrollment
from platepost.provisioning.cli import provision
from platepost.provisioning.enrollment.officer import AHEAD, RegistrationOfficer, forget
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import Person
from platepost.wire.enrollment.code import seal, seal_key_of
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import CONFIGURATION, trusting
from platepost.wire.enrollment.request import make_renewal
from platepost.wire.records import Role
from tests.provisioning.enrollment.conftest import Department

WRONG = "0000-0000-0000-0000"


def end(department: Department, *, way: str) -> None:
    """End the certification of the keeper: in the register, or because the certificate is over."""
    if way == "register":
        department.fleet.people.expire("j-stone", datetime.now(UTC))
        return
    fleet = department.fleet
    fleet.add_operator("k-webb", Role.ADMINISTRATOR, ends=datetime.now(UTC) - timedelta(seconds=1))
    department.registration._officer = Person.load(fleet.operator("k-webb"))


def renew(department: Department, unit: UnitEnrollment) -> None:
    key = read_key_file(unit.directory / "keys" / "private_key.pem")
    leaf = x509.load_pem_x509_certificate(unit.certificate_path.read_bytes())
    request = base64.b64encode(make_renewal("post-17", key))
    department.registration.renew(leaf.public_bytes(Encoding.DER), request)


@pytest.mark.parametrize("way", ["register", "certificate"])
def test_nobody_is_enrolled_for_a_keeper_who_is_not_certified_any_more(department: Department, way: str) -> None:
    unit, code = department.unit("unit"), department.invite("post-17")
    end(department, way=way)
    for secret in (code, code, code):
        with pytest.raises(EnrollmentError, match="enrolls no one until") as caught:
            department.enroll(unit, "post-17", secret)
        assert caught.value.reason == "keeper_expired"
    body = base64.b64encode(unit.request)
    with pytest.raises(EnrollmentError, match="enrolls no one until"):
        department.registration.enroll_sealed(
            "post-17", body, seal(seal_key_of(code), "simpleenroll", b"post-17", body)
        )
    assert "post-17" not in department.fleet.posts()
    assert department.fleet.certificates.of("post-17") == []
    kept = department.registration.codes.of("post-17")
    assert kept is not None
    assert kept.used is None
    assert department.acts() == [("enrollment_refused", "post-17", "keeper_expired")]
    department.registration.close()
    act = list(department.fleet.acts)[-1]
    assert (act.reason, act.details["counted"]) == ("repeated", {"keeper_expired": 3})


@pytest.mark.parametrize("way", ["register", "certificate"])
def test_certificates_are_renewed_still_and_the_log_says_for_whom(
    department: Department, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))
    renew(department, unit)
    assert not caplog.records
    end(department, way=way)
    renew(department, unit)
    acts = [act for act in department.fleet.acts if act.action == "certificate_renewed"]
    assert [(act.outcome, act.details.get("keeper")) for act in acts] == [
        ("success", None),
        ("success", "certification_expired"),
    ]
    assert len(department.fleet.certificates.of("post-17")) == 3
    assert "has ended, and it enrolls no one" in caplog.text


def test_enrollment_that_was_begun_is_ended_and_logged_as_done(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit, code = department.unit("unit"), department.invite("post-17")
    monkeypatch.setattr(department.registration, "_announce", lambda: end(department, way="certificate"))
    department.enroll(unit, "post-17", code)
    assert unit.post == "post-17"
    assert department.acts() == [("post_enrolled", "post-17", None)]


def test_end_is_said_a_month_ahead(department: Department, caplog: pytest.LogCaptureFixture) -> None:
    fleet = department.fleet
    keeper = RegistrationOfficer.of(Person.load(fleet.operator("j-stone")))
    ends = fleet.people["j-stone"].expires
    assert keeper.warning(fleet, at=ends - AHEAD - timedelta(minutes=1)) is None
    soon = keeper.warning(fleet, at=ends - AHEAD + timedelta(minutes=1))
    assert soon is not None
    assert "j-stone, in whose name the enrollment server runs, ends in 29 days: restart it" in soon[0]
    assert not soon[1]
    department.registration.warn()
    assert not caplog.records
    fleet.people.expire("j-stone", datetime.now(UTC) + timedelta(days=3))
    department.registration.warn()
    assert "ends in 2 days" in caplog.text
    fleet.people.expire("j-stone", datetime.now(UTC))
    assert keeper.ends(fleet) == fleet.people.expire("j-stone", ends).expires < ends, "it ended, and ends no later"
    assert keeper.model_copy(update={"thumbprint": "another's"}).ends(fleet).year == 1
    warning = keeper.warning(fleet)
    assert warning is not None
    assert warning[1]


def test_who_keeps_the_server_is_noted_until_it_is_closed(department: Department) -> None:
    fleet = department.fleet
    assert RegistrationOfficer.noted(fleet) is None
    keeper = RegistrationOfficer.of(Person.load(fleet.operator("j-stone")))
    keeper.note(fleet)
    noted = RegistrationOfficer.noted(fleet)
    assert noted is not None
    assert (noted.name, noted.thumbprint) == (keeper.name, keeper.thumbprint)
    fleet.add_operator("k-webb", Role.ADMINISTRATOR)
    arguments = ["person", "expire", str(fleet.directory), "j-stone", "--as", "k-webb", "--purpose", "left"]
    result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
    assert "The enrollment server runs in the name of j-stone" in result.output
    forget(fleet)
    assert RegistrationOfficer.noted(fleet) is None


def test_status_of_a_fleet_says_that_its_keeper_s_certification_ends(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    RegistrationOfficer.of(Person.load(fleet.operator("j-stone"))).note(fleet)

    def status(*words: str) -> str:
        return CliRunner().invoke(provision, ["fleet", "status", str(fleet.directory), *words]).stdout

    assert json.loads(status("--json"))["office"] is None
    fleet.people.expire("j-stone", datetime.now(UTC))
    assert "j-stone, in whose name the enrollment server runs, has ended" in json.loads(status("--json"))["office"]
    assert "j-stone, in whose name the enrollment server runs, has ended" in status("--brief")


def test_wrong_codes_are_logged_wherever_they_are_tried(department: Department) -> None:
    ca, _ = department.address.authorities("post-17", department.invite("post-17"))
    for _ in range(2):
        connection = http.client.HTTPSConnection("localhost", department.port, context=trusting(ca))
        credentials = base64.b64encode(f"post-17:{WRONG}".encode()).decode()
        connection.request("GET", CONFIGURATION, headers={"Authorization": f"Basic {credentials}"})
        assert connection.getresponse().status == 401
        connection.close()
    department.registration.close()
    first, rest = department.fleet.acts
    assert (first.action, first.object, first.reason) == ("enrollment_refused", "post-17", "code_wrong")
    assert (rest.details["counted"], rest.details["posts"]) == ({"code_wrong": 1}, ["post-17"])
