import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.acts import ActLog, Author
from platepost.provisioning.people.person import NotCertifiedError, Person
from platepost.wire.records import Keyring, Role
from platepost.wire.verify.cli import verify
from platepost.wire.verify.verify import Report, Verifier


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    for role in Role:
        fleet.add_operator(f"a-{role.value}", role, full_name=f"An {role.value}")
    return fleet


@pytest.fixture
def technician(fleet: Fleet) -> Person:
    return Person.load(fleet.operator("a-technician"))


@pytest.fixture
def administrator(fleet: Fleet) -> Person:
    return Person.load(fleet.operator("a-administrator"))


def verified(fleet: Fleet) -> Report:
    keys = Keyring.from_files(*fleet.people.keys.glob("*.pem"))
    return Verifier(keys, whole=True).feed_all(fleet.acts.path.read_bytes().splitlines())


def test_act_says_who_what_when_and_why_and_verifies(fleet: Fleet, technician: Person) -> None:
    author = Author.of(technician, " work order 7731 ", log=fleet.acts)
    before = datetime.now(UTC)
    author.record("post_aimed", object="post-17", details={"pixels": 140})
    (act,) = fleet.acts
    assert (act.identity, act.action, act.object) == ("a-technician", "post_aimed", "post-17")
    assert abs(act.occurred - before) < timedelta(minutes=1)
    assert act.details == {"purpose": "work order 7731", "role": "technician", "pixels": 140}
    assert verified(fleet).intact
    assert stat.S_IMODE(fleet.acts.path.stat().st_mode) == 0o600


def test_acts_of_several_people_are_one_chain(fleet: Fleet, technician: Person, administrator: Person) -> None:
    for number in range(5):
        Author.of((technician, administrator)[number % 2], f"number {number}", log=fleet.acts).record("post_added")
    report = verified(fleet)
    assert report.intact
    assert [(chain.first, chain.last) for chain in report.chains] == [(1, 5)]


@pytest.mark.parametrize("fault", ["changed", "missing", "foreign"])
def test_tampering_is_found_by_the_command(fleet: Fleet, technician: Person, tmp_path: Path, fault: str) -> None:
    for number in range(4):
        Author.of(technician, f"number {number}", log=fleet.acts).record("post_aimed")
    lines = fleet.acts.path.read_bytes().splitlines(keepends=True)
    if fault == "changed":
        lines[1] = lines[1].replace(b"number 1", b"number 9")
    elif fault == "missing":
        del lines[1]
    else:
        other = Fleet.create(tmp_path / "other", agency="riverside")
        stranger = Person.load(other.add_operator("a-technician", Role.TECHNICIAN))
        Author.of(stranger, "not mine", log=fleet.acts).record("post_aimed")
        lines = fleet.acts.path.read_bytes().splitlines(keepends=True)
    fleet.acts.path.write_bytes(b"".join(lines))

    result = CliRunner().invoke(verify, [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"])

    assert result.exit_code == 1
    assert fault in result.output or ("changed" in result.output and fault == "changed")


def test_log_that_was_cut_or_made_anew_does_not_have_the_end_that_was_noted(
    fleet: Fleet, technician: Person, administrator: Person
) -> None:
    words = [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"]
    show = ["audit-log", str(fleet.directory), "--head"]
    assert isinstance(CliRunner().invoke(provision, show).exception, ProvisioningError)
    Author.of(technician, "first", log=fleet.acts).record("post_aimed")
    before = CliRunner().invoke(provision, show).output.strip()
    Author.of(administrator, "a grudge", log=fleet.acts).record("post_revoked")
    said = json.loads(CliRunner().invoke(provision, [*show, "--json"]).output)
    assert (said["number"], said["head"]) == (2, f"2:{said['digest']}")
    heads = ["--head", before, "--head", said["head"]]
    assert CliRunner().invoke(verify, [*words, *heads]).exit_code == 0

    fleet.acts.path.write_bytes(fleet.acts.path.read_bytes().splitlines(keepends=True)[0])

    assert CliRunner().invoke(verify, words).exit_code == 0, "the chain alone cannot tell"
    assert CliRunner().invoke(verify, [*words, *heads]).exit_code == 1
    Author.of(administrator, "nothing happened", log=fleet.acts).record("post_added")
    result = CliRunner().invoke(verify, [*words, *heads])
    assert (result.exit_code, "another record has that number" in result.output) == (1, True)


def test_act_in_the_name_of_somebody_else_is_found(fleet: Fleet, technician: Person, administrator: Person) -> None:
    Author.of(administrator, "mine", log=fleet.acts).record("post_added")
    Author.of(replace(technician, name="a-administrator"), "not mine", log=fleet.acts).record("post_revoked")

    result = CliRunner().invoke(verify, [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"])

    assert result.exit_code == 1
    assert "signed with the key of a-technician, in the name of a-administrator" in result.output
    assert "missing" not in result.output


def test_whose_certification_has_ended_is_refused_and_that_is_logged(fleet: Fleet) -> None:
    ends = datetime.now(UTC) - timedelta(minutes=1)
    technician = Person.load(fleet.add_operator("b-technician", Role.TECHNICIAN, ends=ends))
    with pytest.raises(NotCertifiedError, match="certification of b-technician ended"):
        Author.of(technician, "late", log=fleet.acts).admit(technician)
    with pytest.raises(NotCertifiedError, match="is this clock right"):
        technician.require(at=ends - timedelta(days=3 * 365))
    assert [(act.outcome, act.reason) for act in fleet.acts] == [("refused", "certification_expired")]
    assert verified(fleet).intact


def test_role_that_may_not_is_refused(technician: Person) -> None:
    with pytest.raises(NotCertifiedError, match="technician; this command requires: administrator") as refusal:
        technician.require({Role.ADMINISTRATOR})
    assert refusal.value.reason == "role"


@pytest.mark.parametrize("purpose", ["", "  ", "x" * 201, "two\nlines"])
def test_act_without_a_purpose_in_one_line_is_refused(fleet: Fleet, technician: Person, purpose: str) -> None:
    with pytest.raises(ProvisioningError, match="purpose"):
        Author.of(technician, purpose, log=fleet.acts).record("post_aimed")
    assert not fleet.acts.path.exists()


def test_half_a_line_that_a_power_cut_left_is_cut_off(fleet: Fleet, technician: Person) -> None:
    Author.of(technician, "first", log=fleet.acts).record("post_aimed")
    with fleet.acts.path.open("ab") as file:
        file.write(b'{"specversion": "1.0", "id"')
    assert [act.details["purpose"] for act in fleet.acts] == ["first"]
    Author.of(technician, "second", log=fleet.acts).record("post_aimed")
    assert [act.details["purpose"] for act in fleet.acts] == ["first", "second"]
    assert verified(fleet).intact


def test_damaged_end_is_not_built_upon(fleet: Fleet, technician: Person) -> None:
    Author.of(technician, "first", log=fleet.acts).record("post_aimed")
    fleet.acts.path.write_bytes(b"nonsense\n")
    with pytest.raises(ProvisioningError, match="platepost verify"):
        Author.of(technician, "second", log=fleet.acts).record("post_aimed")
    with pytest.raises(ProvisioningError, match="line 1"):
        list(fleet.acts)


def test_people_who_act_at_once_make_one_chain(fleet: Fleet, technician: Person) -> None:
    def act() -> None:
        for number in range(5):
            Author.of(technician, f"number {number}", log=fleet.acts).record("post_aimed")

    threads = [Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(fleet.acts)) == 20
    assert verified(fleet).intact


@pytest.mark.skipif(os.geteuid() == 0, reason="an ordinary user is missing: run the tests as one")
def test_log_that_cannot_be_written_stops_the_act(fleet: Fleet, technician: Person) -> None:
    fleet.acts.path.parent.mkdir(mode=0o500)
    with pytest.raises(ProvisioningError, match="cannot be logged"):
        Author.of(technician, "first", log=fleet.acts).record("post_aimed")


def test_own_log_lies_with_the_identity(technician: Person) -> None:
    log = ActLog.of(technician)
    Author.of(technician, "work order 7731", log=log).record("post_accepted", object="post-17")
    event = json.loads(log.path.read_bytes())
    assert event["source"] == "//alpr/v1/riverside/a-technician"
    assert log.path.parent == technician.folder
