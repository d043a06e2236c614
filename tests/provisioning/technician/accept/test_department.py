"""The department's side: whose signature under a report counts."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from device.records import Role, Signer
from provisioning.commands.acceptance import acceptance
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from provisioning.people.person import Person
from provisioning.technician.accept.seal import ReportRefusedError, seal
from provisioning.trust.authority import Authority

PAGE = b'<!doctype html>\n<p class="verdict accepted">Accepted</p>\n'


@pytest.fixture
def root() -> Authority:
    """Give one root for two departments, as of the state that both are in."""
    return Authority.create_root("state")


@pytest.fixture
def fleet(tmp_path: Path, root: Authority) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", root=root)
    fleet.add_post("post-17", PostSettings(brokers=("localhost:8883",)))
    return fleet


def verify(fleet: Fleet, person: Path, report: Path) -> str:
    post = Signer.from_file(fleet.post("post-17") / "signing_key.pem")
    report.write_bytes(seal(PAGE, post=post, technician=Person.load(person)))
    return CliRunner().invoke(acceptance, ["verify", str(fleet.directory), str(report)], catch_exceptions=False).output


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.ADMINISTRATOR])
def test_report_of_who_may_accept_is_genuine(fleet: Fleet, tmp_path: Path, role: Role) -> None:
    assert "genuine; post post-17 accepted" in verify(fleet, fleet.add_operator("a-person", role), tmp_path / "report")


def test_report_of_a_role_that_may_not_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError, match="certified as operator: a technician is wanted"):
        verify(fleet, fleet.add_operator("an-operator", Role.OPERATOR), tmp_path / "report")


def test_report_of_another_department_under_the_same_root_is_refused(
    fleet: Fleet, root: Authority, tmp_path: Path
) -> None:
    other = Fleet.create(tmp_path / "other", agency="lakeside", root=root)
    with pytest.raises(ProvisioningError, match="certified by lakeside, not by riverside"):
        verify(fleet, other.add_operator("r-alvarez", Role.TECHNICIAN), tmp_path / "report")


def test_report_of_another_fleet_s_person_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    other = Fleet.create(tmp_path / "other", agency="riverside")
    with pytest.raises(ReportRefusedError, match="nobody of this fleet"):
        verify(fleet, other.add_operator("r-alvarez", Role.TECHNICIAN), tmp_path / "report")
