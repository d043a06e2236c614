"""A post renews its certificate with the office, over TLS with the certificate that it has."""

import errno
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from device import config
from device.enrolment.errors import EnrolmentError
from device.enrolment.est import trusting
from device.enrolment.renewal import Renewal
from device.enrolment.unit import Unit
from provisioning.authority import Authority
from tests.provisioning.enrolment.conftest import Department


class Trail:
    """Takes what is audited."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str | None]] = []

    def say(self, action: str, *, outcome: str, reason: str | None = None, **_: object) -> None:
        self.said.append((action, outcome, reason))


class Post:
    """An enrolled post, as far as its renewal."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.trail = Trail()
        self.time = datetime.now(UTC)
        read = config.load(unit.directory / "post.toml")
        trail: Any = self.trail
        renewal = Renewal.of(read, auditor=trail, now=lambda: self.time)
        assert renewal is not None
        self.renewal = renewal

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.unit.certificate_path.read_bytes())


@pytest.fixture
def post(department: Department) -> Post:
    unit = department.unit("unit")
    department.enrol(unit, "post-17", department.invite("post-17"))
    return Post(unit)


def test_certificate_is_renewed_when_a_third_of_its_life_is_left(department: Department, post: Post) -> None:
    first = post.certificate
    lifetime = first.not_valid_after_utc - first.not_valid_before_utc
    post.time = first.not_valid_after_utc - lifetime / 3 - timedelta(minutes=1)
    assert not post.renewal.look()
    assert post.trail.said == []
    post.time += timedelta(minutes=2)
    assert post.renewal.is_due()

    post.time = datetime.now(UTC)  # the office's clock is this machine's
    post.renewal.renew()

    second = post.certificate
    assert second.serial_number != first.serial_number
    assert second.public_key() == first.public_key()
    assert {one.serial for one in department.fleet.ledger.of("post-17")} == {first.serial_number, second.serial_number}
    assert department.acts()[-1] == ("certificate_renewed", "post-17", None)


def test_what_came_of_it_is_audited(department: Department, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post.renewal, "is_due", lambda: True)
    assert post.renewal.look()
    department.fleet.revoke_certificates("post-17", "stolen")
    assert not post.renewal.look()
    assert post.trail.said == [("certificate_renewed", "success", None), ("certificate_renewed", "failure", "revoked")]


def test_office_that_is_away_or_another_leaves_the_certificate_as_it_is(
    department: Department, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = post.unit.certificate_path.read_bytes()
    foreign = Authority.create("riverside")
    key = post.certificate.public_key()
    monkeypatch.setattr(post.renewal._office, "renew", lambda *_, **__: foreign.issue_client("post-17", key))
    with pytest.raises(EnrolmentError, match="another department's"):
        post.renewal.renew()
    monkeypatch.undo()
    post.renewal._office.port = 1
    with pytest.raises(EnrolmentError, match="does not answer"):
        post.renewal.renew()
    assert post.unit.certificate_path.read_bytes() == before


def test_full_disk_leaves_the_certificate_and_the_next_try(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    before = post.unit.certificate_path.read_bytes()
    monkeypatch.setattr(post.renewal, "is_due", lambda: True)
    with monkeypatch.context() as full:

        def write(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr("device.enrolment.renewal.write_durably", write)
        assert not post.renewal.look()
    assert post.unit.certificate_path.read_bytes() == before
    assert post.renewal.look()
    assert post.trail.said == [("certificate_renewed", "failure", "disk"), ("certificate_renewed", "success", None)]


def test_renewal_without_a_certificate_is_refused(department: Department, post: Post) -> None:
    ca = (post.unit.directory / "ca.pem").read_bytes()
    with pytest.raises(EnrolmentError, match="needs the post's present certificate"):
        department.address._send(trusting(ca), "simplereenroll", b"", {})


def test_operator_s_wish_is_a_command_s_outcome(post: Post) -> None:
    done = post.renewal.order()
    assert str(done.details["certificate_expires"]).startswith(str(post.certificate.not_valid_after_utc.date()))


def test_post_without_an_office_renews_nothing(post: Post) -> None:
    path = post.unit.directory / "post.toml"
    path.write_text(path.read_text().replace("[enrolment]", "").split("office = ")[0])
    read = config.load(path)
    trail: Any = post.trail
    assert Renewal.of(read, auditor=trail, now=lambda: post.time) is None
