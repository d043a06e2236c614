"""The department's side: whose signature under a report counts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.people.person import NotCertifiedError, Person
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.keys import private_pem
from platepost.technician.accept.seal import ReportRefusedError, seal
from platepost.technician.commands.acceptance import acceptance
from platepost.wire.records import Role, Signer

PAGE = """<!doctype html>
<p class="verdict accepted">Accepted</p>
<tr><th scope="row">Ended</th><td><time class="ended" datetime="{}Z">whenever</time></td></tr>
"""


@pytest.fixture
def root() -> Authority:
    """Give one root for two departments, as of the state that both are in."""
    return Authority.create_root("state")


@pytest.fixture
def fleet(tmp_path: Path, root: Authority) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", root=root)
    fleet.add_post("post-17", PostSettings(brokers=("localhost:8883",)))
    return fleet


def write(fleet: Fleet, person: Person, report: Path, *, ended: datetime | None = None) -> Path:
    """Write a report; `ended` is what the unit's clock said."""
    post = Signer.from_file(fleet.post("post-17") / "signing_key.pem")
    page = PAGE.format(f"{ended or datetime.now(UTC):%Y-%m-%dT%H:%M:%S}").encode()
    report.write_bytes(seal(page, post=post, technician=person))
    return report


def run(fleet: Fleet, command: str, report: Path, *words: str) -> str:
    return (
        CliRunner()
        .invoke(acceptance, [command, str(fleet.directory), str(report), *words], catch_exceptions=False)
        .output
    )


def verify(fleet: Fleet, person: Path, report: Path) -> str:
    return run(fleet, "verify", write(fleet, Person.load(person), report))


def test_report_of_who_left_is_refused_if_made_after_and_told_if_made_before(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    person = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    before = write(fleet, person, tmp_path / "before", ended=datetime.now(UTC) - timedelta(hours=1))
    assert "Since then" not in run(fleet, "verify", before)
    fleet.remove_operator("r-alvarez")
    # A second on: the report knows whole seconds only.
    after = write(fleet, person, tmp_path / "after", ended=datetime.now(UTC) + timedelta(seconds=1))
    for command, words in (("verify", ()), ("keep", ("--as", "j-stone", "--purpose", "test"))):
        with pytest.raises(NotCertifiedError, match=r"certificate of r-alvarez was revoked on .*certification_ended"):
            run(fleet, command, after, *words)
    assert "Since then: the certificate of r-alvarez was revoked" in run(fleet, "verify", before)
    assert json.loads(run(fleet, "verify", before, "--json"))["lapsed"] == "certificate_revoked"


def test_report_that_comes_when_its_technician_has_left_is_kept_only_if_an_administrator_says_so(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    person = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    fleet.remove_operator("r-alvarez")
    back = write(fleet, person, tmp_path / "set back", ended=datetime.now(UTC) - timedelta(hours=1))
    words = ("--as", "j-stone", "--purpose", "work order 7731")
    with pytest.raises(NotCertifiedError, match="Only the unit's clock dates it"):
        run(fleet, "keep", back, *words)
    assert not (fleet.directory / "acceptances").exists()
    run(fleet, "keep", back, *words, "--anyway")
    *_, act = fleet.acts
    assert (act.action, act.details["lapsed"]) == ("acceptance_kept", "certificate_revoked")
    (row,) = json.loads(
        CliRunner().invoke(acceptance, ["show", str(fleet.directory), "--json"], catch_exceptions=False).output
    )
    assert (row["accepted"], row["lapsed"]) == (True, "certificate_revoked")


def test_report_is_refused_by_what_the_register_says(fleet: Fleet, tmp_path: Path) -> None:
    person = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    fleet.people.expire("r-alvarez", datetime.now(UTC) - timedelta(minutes=2))
    with pytest.raises(NotCertifiedError, match="the certification of r-alvarez ended on") as caught:
        run(fleet, "verify", write(fleet, person, tmp_path / "report"))
    assert caught.value.reason == "certification_expired"
    earlier = write(fleet, person, tmp_path / "earlier", ended=datetime.now(UTC) - timedelta(minutes=4))
    assert "Since then: the certification of r-alvarez ended on" in run(fleet, "verify", earlier)
    (fleet.directory / "people" / "r-alvarez.json").unlink()
    with pytest.raises(NotCertifiedError, match="not in the register of certified people"):
        run(fleet, "verify", earlier)


def test_report_with_a_certificate_that_the_ledger_does_not_have_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    folder = fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    # Who has the authority's key issues what the fleet knows nothing of.
    key = fleet.issuance.make_key()
    chain = fleet.open_authority().issue_operator(
        "r-alvarez", key, agency="riverside", role="technician", valid=timedelta(days=9)
    )
    (folder / "certificate.pem").write_bytes(chain)
    (folder / "private_key.pem").write_bytes(private_pem(key))
    with pytest.raises(NotCertifiedError, match="not in the ledger") as caught:
        run(fleet, "verify", write(fleet, Person.load(folder), tmp_path / "report"))
    assert caught.value.reason == "certificate_unknown"


def test_report_from_the_future_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    person = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    with pytest.raises(NotCertifiedError, match="in the future"):
        run(fleet, "verify", write(fleet, person, tmp_path / "r", ended=datetime.now(UTC) + timedelta(hours=1)))


def test_report_made_with_a_person_s_former_key_is_genuine_still(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    person = Person.load(fleet.add_operator("r-alvarez", Role.TECHNICIAN))
    before = write(fleet, person, tmp_path / "before", ended=datetime.now(UTC) - timedelta(hours=1))
    fleet.remove_operator("r-alvarez")
    fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    assert "genuine; post post-17 accepted" in run(fleet, "verify", before)


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.ADMINISTRATOR])
def test_report_of_who_may_accept_is_genuine(fleet: Fleet, tmp_path: Path, role: Role) -> None:
    assert "genuine; post post-17 accepted" in verify(fleet, fleet.add_operator("a-person", role), tmp_path / "report")


def test_report_of_a_role_that_may_not_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError, match="certified as operator, not as technician"):
        verify(fleet, fleet.add_operator("an-operator", Role.OPERATOR), tmp_path / "report")


def test_report_of_another_department_under_the_same_root_is_refused(
    fleet: Fleet, root: Authority, tmp_path: Path
) -> None:
    other = Fleet.create(tmp_path / "other", agency="lakeside", root=root)
    with pytest.raises(ProvisioningError, match="certified by lakeside, not by riverside"):
        verify(fleet, other.add_operator("r-alvarez", Role.TECHNICIAN), tmp_path / "report")


def test_report_of_another_fleet_s_person_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    other = Fleet.create(tmp_path / "other", agency="riverside")
    with pytest.raises(ReportRefusedError, match="was not certified when the report was made"):
        verify(fleet, other.add_operator("r-alvarez", Role.TECHNICIAN), tmp_path / "report")
