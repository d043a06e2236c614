"""A post renews its certificate with the office, over TLS with the certificate that it has."""

import base64
import errno
import json
import os
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError

from platepost.common.files import write_durably
from platepost.device import config
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.renewal import Renewal
from platepost.device.enrollment.settings import EnrollmentSettings
from platepost.device.enrollment.unit import UnitEnrollment
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.certificates import Issuance
from platepost.provisioning.trust.ledger import CertificateLedger
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import EstClient, _refusal, trusting
from platepost.wire.enrollment.request import make_renewal
from tests.device.nobody import needs_root
from tests.provisioning.enrollment.conftest import Department


class Trail:
    """Takes what is audited."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, str | None]] = []

    def record(self, action: str, *, outcome: str, reason: str | None = None, **_: object) -> None:
        self.records.append((action, outcome, reason))


class Post:
    """An enrolled post, as far as its renewal."""

    def __init__(self, unit: UnitEnrollment) -> None:
        self.unit = unit
        self.trail = Trail()
        self.time = datetime.now(UTC)
        self.earliest: datetime | None = None
        self.configuration = read = config.load(unit.directory / "post.toml")
        trail: Any = self.trail
        renewal = Renewal.of(
            read.enrollment,
            read.uplink,
            name=read.post.name,
            audit=trail,
            now=lambda: self.time,
            earliest=lambda: self.earliest,
        )
        assert renewal is not None
        self.renewal = renewal

    def come_due(self) -> None:
        """Let the time come in which the certificate is to be renewed; the next one is not due then."""
        end = self.certificate.not_valid_after_utc
        self.time = end - (end - self.certificate.not_valid_before_utc) / 3

    def renewal_by(self, renew: Callable[..., bytes]) -> Renewal:
        """Return a renewal whose office answers so."""
        client: Any = SimpleNamespace(renew=renew)
        read, trail = self.configuration, cast("Any", self.trail)
        return Renewal(client, read.uplink, name=read.post.name, audit=trail, now=lambda: self.time)

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.unit.certificate_path.read_bytes())


@pytest.fixture
def post(department: Department) -> Post:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))
    return Post(unit)


def test_certificate_is_renewed_when_a_third_of_its_life_is_left(department: Department, post: Post) -> None:
    first = post.certificate
    lifetime = first.not_valid_after_utc - first.not_valid_before_utc
    post.time = first.not_valid_after_utc - lifetime / 3 - timedelta(minutes=1)
    assert not post.renewal.renew_if_due()
    assert post.trail.records == []
    post.time += timedelta(minutes=2)
    assert post.renewal.is_due()

    post.time = datetime.now(UTC)  # the office's clock is this machine's
    post.renewal.renew()

    second = post.certificate
    assert second.serial_number != first.serial_number
    assert second.public_key() == first.public_key()
    assert {one.serial for one in department.fleet.certificates.of("post-17")} == {
        first.serial_number,
        second.serial_number,
    }
    assert department.acts()[-1] == ("certificate_renewed", "post-17", None)


def lapse(department: Department, post: Post) -> int:
    """Have the certificate of a post have ended a month ago, as of one that was long without a network."""
    fleet = Fleet.load(department.fleet.directory)
    fleet.issuance = Issuance(now=lambda: datetime.now(UTC) - timedelta(days=60))
    chain = fleet.open_authority().issue_client(
        "post-17", read_key_file(post.unit.directory / "keys" / "private_key.pem"), valid=timedelta(days=30)
    )
    department.fleet.certificates.issued(chain)
    for path in (post.unit.certificate_path, department.fleet.post("post-17") / "certificate.pem"):
        write_durably(path, chain)
    assert post.certificate.not_valid_after_utc < datetime.now(UTC)
    return post.certificate.serial_number


def test_post_that_comes_back_after_its_certificate_ended_renews_it_by_itself(
    department: Department, post: Post
) -> None:
    lapsed = lapse(department, post)
    # By a clock that no one vouches for it can't be later than the certificate's end, for all that the post knows.
    post.time = post.certificate.not_valid_after_utc
    assert post.renewal.renew_if_due()
    assert post.certificate.serial_number != lapsed
    assert post.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=500)
    *_, act = department.fleet.acts
    assert (act.action, act.object) == ("certificate_renewed", "post-17")
    assert "lapsed" in act.details


def take_office_to(department: Department, moment: datetime) -> None:
    """Have the office live at another time than the unit's clock says, its own certificate included."""
    department.fleet.issuance = Issuance(now=lambda: moment)
    assert department.serving.renew(at=datetime.max.replace(tzinfo=UTC))


def test_post_whose_clock_nobody_vouches_for_renews_though_the_clock_is_long_behind(
    department: Department, post: Post
) -> None:
    take_office_to(department, datetime.now(UTC) + timedelta(days=400))
    # A clock that someone vouches for is believed.
    with pytest.raises(EnrollmentError, match="not yet valid"):
        post.renewal.renew()
    post.earliest = post.time
    assert post.renewal.renew() == post.certificate.not_valid_after_utc
    assert post.certificate.not_valid_before_utc > datetime.now(UTC) + timedelta(days=390)


def test_office_whose_certificate_has_ended_for_certain_is_refused_by_any_clock(
    department: Department, post: Post
) -> None:
    before = post.certificate
    take_office_to(department, datetime.now(UTC) - timedelta(days=1000))
    for earliest in (None, post.time):
        post.earliest = earliest
        with pytest.raises(EnrollmentError, match="expired") as refused:
            post.renewal.renew()
        assert refused.value.reason == "foreign_server"
    assert post.certificate == before


def test_post_that_was_revoked_after_its_certificate_had_ended_does_not_come_back(
    department: Department, post: Post
) -> None:
    lapsed = lapse(department, post)
    # As where the broker could not be told: the post is the fleet's until the command is given again.
    assert lapsed in department.fleet.revoke_certificates("post-17", "revoked")
    with pytest.raises(EnrollmentError) as refused:
        post.renewal.renew()
    assert refused.value.reason == "revoked"


@needs_root
def test_post_that_root_runs_for_an_acceptance_leaves_the_certificate_to_its_own_user(post: Post) -> None:
    os.chown(post.unit.certificate_path, 4242, 4343)
    post.renewal.renew()
    found = post.unit.certificate_path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (4242, 4343, 0o640)


def test_certificate_that_ended_too_long_ago_takes_a_technician(
    department: Department, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    lapse(department, post)
    monkeypatch.setattr("platepost.provisioning.enrollment.registration.LAPSED_MOST", timedelta(days=20))
    with pytest.raises(EnrollmentError, match="too long ago") as refused:
        post.renewal.renew()
    assert refused.value.reason == "lapsed"


def test_a_fleet_from_a_backup_renews_what_was_issued_since_and_can_revoke_it(
    department: Department, post: Post
) -> None:
    ledger = department.fleet.authority / "ledger.jsonl"
    backed_up = ledger.read_bytes()
    post.renewal.renew()
    presented = post.certificate.serial_number
    ledger.write_bytes(backed_up)
    assert not department.fleet.certificates.knows(presented)
    post.renewal.renew()
    assert post.certificate.serial_number != presented
    assert {presented, post.certificate.serial_number} <= set(department.fleet.revoke_certificates("post-17", "stolen"))


def test_unit_whose_certificate_had_ended_when_it_was_replaced_stays_out(
    department: Department, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    lapsed = lapse(department, post)
    department.enroll(department.unit("next"), "post-17", department.invite("post-17", replaces=True))
    assert department.fleet.certificates.is_revoked(lapsed)
    acts = len(department.acts())
    for _ in range(3):
        with pytest.raises(EnrollmentError, match="was revoked") as refused:
            post.renewal.renew()
        assert refused.value.reason == "revoked"
    assert len(department.acts()) == acts + 1, "nobody fills the log of acts with a unit that was thrown away"
    # A fleet that was restored from a backup knows nothing of what was issued and revoked since.
    monkeypatch.setattr(CertificateLedger, "is_revoked", lambda *_: False)
    with pytest.raises(EnrollmentError, match="another unit is post-17 now"):
        post.renewal.renew()


def test_certificate_renews_its_own_name_and_key_alone_and_a_post_s(department: Department, post: Post) -> None:
    key, other = (
        read_key_file(post.unit.directory / "keys" / "private_key.pem"),
        ec.generate_private_key(ec.SECP256R1()),
    )
    subscriber = x509.load_pem_x509_certificate((department.fleet.publisher / "certificate.pem").read_bytes())
    for presented, request, reason in (
        (post.certificate, make_renewal("post-18", key), "other"),
        (post.certificate, make_renewal("post-17", other), "other"),
        (subscriber, make_renewal("post-17", key), "unknown_post"),
    ):
        with pytest.raises(EnrollmentError) as refused:
            department.registration.renew(presented.public_bytes(Encoding.DER), base64.b64encode(request))
        assert refused.value.reason == reason
    assert len(department.fleet.certificates.of("post-17")) == 1


def test_what_came_of_it_is_audited(department: Department, post: Post) -> None:
    post.come_due()
    assert post.renewal.renew_if_due()
    post.come_due()
    department.fleet.revoke_certificates("post-17", "stolen")
    assert not post.renewal.renew_if_due()
    renewed, refused = ("certificate_renewed", "success", None), ("certificate_renewed", "failure", "revoked")
    assert post.trail.records == [renewed, refused]


def test_office_that_is_away_or_another_leaves_the_certificate_as_it_is(department: Department, post: Post) -> None:
    before = post.unit.certificate_path.read_bytes()
    foreign = Authority.create("riverside")
    key = post.certificate.public_key()
    with pytest.raises(EnrollmentError, match="another department's"):
        post.renewal_by(lambda *_, **__: foreign.issue_client("post-17", key)).renew()
    own, other = department.fleet.open_authority(), ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(EnrollmentError, match="for another key"):
        post.renewal_by(lambda *_, **__: own.issue_client("post-17", other)).renew()
    post.renewal._client.port = 1
    with pytest.raises(EnrollmentError, match="does not answer"):
        post.renewal.renew()
    assert post.unit.certificate_path.read_bytes() == before


def test_full_disk_leaves_the_certificate_and_the_next_try(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    before = post.unit.certificate_path.read_bytes()
    post.come_due()
    with monkeypatch.context() as full:

        def write(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr("platepost.device.enrollment.renewal.replace_durably", write)
        assert not post.renewal.renew_if_due()
    assert post.unit.certificate_path.read_bytes() == before
    assert post.renewal.renew_if_due()
    assert post.trail.records == [("certificate_renewed", "failure", "disk"), ("certificate_renewed", "success", None)]


@pytest.mark.parametrize(
    ("fault", "audited"),
    [
        (RuntimeError("unforeseen"), [("certificate_renewed", "failure", "failed")]),
        (EnrollmentError("no", reason="a reason that no record takes"), []),
    ],
)
def test_an_unforeseen_fault_does_not_end_the_renewal(
    post: Post, monkeypatch: pytest.MonkeyPatch, fault: Exception, audited: list[tuple[str, str, str | None]]
) -> None:
    monkeypatch.setattr("platepost.device.enrollment.renewal.CHECK_SECONDS", 0.01)
    post.come_due()
    outcomes, renewed, record = [fault], threading.Event(), post.trail.record

    def renew() -> datetime:
        if outcomes:
            raise outcomes.pop()
        return post.time

    def take(action: str, *, outcome: str, reason: str | None = None, **_: object) -> None:
        if reason is not None and " " in reason:
            raise ValueError("not fit for a record")
        record(action, outcome=outcome, reason=reason)
        if outcome == "success":
            renewed.set()

    monkeypatch.setattr(post.renewal, "renew", renew)
    monkeypatch.setattr(post.trail, "record", take)
    post.renewal.start()
    assert renewed.wait(60)
    post.renewal.stop()
    assert post.trail.records[: len(audited) + 1] == [*audited, ("certificate_renewed", "success", None)]


@pytest.mark.parametrize(
    ("said", "reason", "message"),
    [
        ({"message": "the code is used", "reason": "code_used"}, "code_used", "office:8443: the code is used"),
        ({"message": "upstream", "reason": "a" * 65}, "refused", "office:8443: upstream"),
        ({"message": "upstream", "reason": "reset before headers"}, "refused", "office:8443: upstream"),
        ({"message": "a\ud800\x1b[2J", "reason": "\ud800"}, "refused", r"office:8443: a\ud800\x1b[2J"),
        ({"message": ["a"], "reason": None}, "refused", "office:8443: ['a']"),
        ({"message": "m" * 9000, "reason": "other"}, "other", "office:8443: " + "m" * 500),
        ({"message": "no reason"}, "refused", "office:8443 answers with status 503"),
        (["message", "reason"], "refused", "office:8443 answers with status 503"),
    ],
)
def test_whatever_a_refusal_says_is_fit_for_the_audit_trail(said: object, reason: str, message: str) -> None:
    refusal = _refusal(EstClient("office"), 503, json.dumps(said).encode())
    assert (refusal.reason, str(refusal)) == (reason, message)


@pytest.mark.parametrize("content", [b"bad gateway", b"\xff", b"[" * 200_000, b'{"reason": ' + b"9" * 9000 + b"}"])
def test_a_refusal_that_says_nothing_has_its_status(content: bytes) -> None:
    assert str(_refusal(EstClient("office"), 502, content)) == "office:8443 answers with status 502"


@pytest.mark.parametrize("address", ["", ":8443", "office:port", "office:0", "office:99999", "office:²"])
def test_what_is_no_address_of_an_office_is_refused(address: str) -> None:
    with pytest.raises(EnrollmentError, match="is not host:port") as refused:
        EstClient(address)
    assert refused.value.reason == "address"


@pytest.mark.parametrize("address", ["enroll..riverside.example", ".riverside.example", "e" * 64 + ".example:8443"])
def test_an_address_that_cannot_be_is_refused_by_the_configuration_and_by_name(address: str) -> None:
    with pytest.raises(ValidationError):
        EnrollmentSettings(office=address)
    with pytest.raises(EnrollmentError, match="cannot be an office's address") as refused:
        EstClient(address)._ask(ssl.create_default_context(), "GET", "/")
    assert refused.value.reason == "address"


@pytest.mark.parametrize("address", ["office", "enroll.riverside.example:8443", "10.0.0.7:9", "office.example."])
def test_an_address_that_can_be_is_taken_by_the_configuration(address: str) -> None:
    assert EnrollmentSettings(office=address).office == address


def test_server_renews_its_own_certificate_while_it_runs(department: Department, post: Post) -> None:
    def shown() -> x509.Certificate:
        pem = ssl.get_server_certificate(("localhost", department.port))
        return x509.load_pem_x509_certificate(pem.encode())

    before = shown()
    assert not department.serving.renew()
    assert department.serving.renew(at=before.not_valid_after_utc - timedelta(days=200))
    assert shown().serial_number != before.serial_number
    post.renewal.renew()


def test_renewal_without_a_certificate_is_refused(department: Department, post: Post) -> None:
    ca = (post.unit.directory / "ca.pem").read_bytes()
    with pytest.raises(EnrollmentError, match="needs the post's present certificate"):
        department.address._send(trusting(ca), "simplereenroll", b"", {})


def test_operator_s_wish_is_a_command_s_outcome(post: Post) -> None:
    done = post.renewal.order()
    assert str(done.details["certificate_expires"]).startswith(str(post.certificate.not_valid_after_utc.date()))


def test_post_without_an_office_renews_nothing(post: Post) -> None:
    path = post.unit.directory / "post.toml"
    path.write_text(path.read_text().replace("[enrollment]", "").split("office = ")[0])
    read = config.load(path)
    trail: Any = post.trail
    assert Renewal.of(read.enrollment, read.uplink, name=read.post.name, audit=trail, now=lambda: post.time) is None
