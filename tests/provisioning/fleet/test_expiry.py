"""No certificate of a fleet ends unseen, and each can be renewed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.expiry import AUTHORITY_AHEAD, expiries
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.rotation import renew_client, rotate_authority, rotate_broker, rotate_publisher
from platepost.provisioning.trust.authority import Authority, read_certificates
from platepost.provisioning.trust.certificates import LEAF_VALID, Issuance
from platepost.wire.records import Role

MONTH = timedelta(days=30)


@pytest.fixture
def aged(tmp_path: Path) -> Fleet:
    """Give a fleet that was made two years ago but twenty days."""
    then = Issuance(now=lambda: datetime.now(UTC) - LEAF_VALID + timedelta(days=20))
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", custodian="records", issuance=then)
    fleet.add_subscriber("dispatch")
    return Fleet.load(fleet.directory)


def said(fleet: Fleet, **more: object) -> list[str]:
    found = [one.warning(ahead=MONTH) for one in expiries(fleet, serves_enrollment=False, **more)]  # type: ignore[arg-type]
    return [text for text, _ in filter(None, found)]


def test_all_that_ends_is_said_and_what_renews_it_does(aged: Fleet) -> None:
    names = ("the broker", "the department's own client", "subscriber dispatch", "custodian records")
    before = said(aged)
    assert [text.partition(" end")[0] for text in before] == [f"the certificate of {name}" for name in names]
    for text, command in zip(before, ("rotate FLEET broker", "rotate FLEET publisher", "renew", "renew"), strict=True):
        assert f"fleet {command}" in text
    rotate_broker(aged)
    rotate_publisher(aged)
    for name in ("dispatch", "records"):
        renew_client(aged, name)
    assert said(aged) == []


def test_what_was_made_on_one_day_does_not_end_on_one(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", custodian="records")
    for name in ("dispatch", "console"):
        fleet.add_subscriber(name)
    days = [one.ends.date() for one in fleet.certificates.all()]
    assert len(days) == 5
    assert len(set(days)) == 5
    assert all(datetime.now(UTC) + timedelta(days=600) < one.ends for one in fleet.certificates.all())


def test_a_renewed_client_keeps_its_key_and_its_former_certificate_is_good(aged: Fleet) -> None:
    path = aged.subscriber("dispatch") / "certificate.pem"
    before = x509.load_pem_x509_certificate(path.read_bytes())
    key = (aged.subscriber("dispatch") / "private_key.pem").read_bytes()
    done = CliRunner().invoke(
        provision,
        ["fleet", "renew", str(aged.directory), "dispatch", "--as", _administrator(aged), "--purpose", "yearly"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    after = x509.load_pem_x509_certificate(path.read_bytes())
    assert after.public_key() == before.public_key()
    assert after.not_valid_after_utc > before.not_valid_after_utc + timedelta(days=500)
    assert (aged.subscriber("dispatch") / "private_key.pem").read_bytes() == key
    assert not aged.certificates.is_revoked(before.serial_number)
    *_, act = aged.acts
    assert (act.action, act.object) == ("certificate_renewed", "dispatch")


def _administrator(fleet: Fleet) -> str:
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    return "j-stone"


def test_who_was_revoked_or_is_nobody_is_not_renewed(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_subscriber("dispatch")
    fleet.revoke_certificates("dispatch", "stolen")
    for name, why in (("dispatch", "was revoked"), ("post-1", "not a subscriber, custodian or post")):
        with pytest.raises(ProvisioningError, match=why):
            renew_client(fleet, name)


def test_the_authority_is_said_a_year_ahead_and_renewed_under_its_root(tmp_path: Path) -> None:
    root = Authority.create_root("riverside")
    short = Issuance(valid=AUTHORITY_AHEAD - timedelta(days=1))
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", root=Authority(root.certificate, root.key, (), short))
    found = [one for one in expiries(fleet, serves_enrollment=False) if "authority" in one.what]
    assert [bool(one.warning(ahead=MONTH)) for one in found] == [True]
    root.save(fleet.root)
    rotate_authority(fleet)
    # It ends with the root, which is what is said from now on.
    assert "the issuing authority" not in [one.what for one in expiries(fleet, serves_enrollment=False)]


def test_the_root_is_said_a_year_ahead(tmp_path: Path) -> None:
    long_ago = Issuance(now=lambda: datetime.now(UTC) - timedelta(days=3650 - 364))
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", issuance=long_ago)
    assert "the certificate of the root ends in 362 days: make a new fleet" in said(fleet)[0]


def test_what_the_broker_shows_counts_and_not_what_it_should_show(aged: Fleet) -> None:
    shown = read_certificates(aged.broker.certificate)[0]
    rotate_broker(aged)
    (text,) = [text for text in said(aged, shown=shown) if "broker" in text]
    assert "copy that to it, and restart it" in text


def test_status_says_what_ends(aged: Fleet) -> None:
    # No post: no broker is asked.
    result = CliRunner().invoke(provision, ["fleet", "status", str(aged.directory), "--json"])
    told = json.loads(result.output)
    assert "the certificate of the broker end" in told["office"]
    assert {one["certificate"] for one in told["certificates"]} >= {"the root", "the broker", "custodian records"}
