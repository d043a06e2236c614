import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from device.records import Keyring, Role
from device.records.verify.cli import verify
from device.records.verify.verify import Report, Verifier
from provisioning.cli import provision
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.people import acts
from provisioning.people.person import NotCertifiedError, Person


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
    moment = datetime.now(UTC).replace(microsecond=0)
    acts.record(
        technician,
        "post_aimed",
        " work order 7731 ",
        log=fleet.acts,
        object="post-17",
        details={"pixels": 140},
        now=moment,
    )
    (act,) = fleet.acts
    assert (act.identity, act.action, act.object, act.occurred) == ("a-technician", "post_aimed", "post-17", moment)
    assert act.details == {"purpose": "work order 7731", "role": "technician", "pixels": 140}
    assert verified(fleet).intact
    assert stat.S_IMODE(fleet.acts.path.stat().st_mode) == 0o600


def test_acts_of_several_people_are_one_chain(fleet: Fleet, technician: Person, administrator: Person) -> None:
    for number in range(5):
        acts.record((technician, administrator)[number % 2], "post_added", f"number {number}", log=fleet.acts)
    report = verified(fleet)
    assert report.intact
    assert [(chain.first, chain.last) for chain in report.chains] == [(1, 5)]


@pytest.mark.parametrize("fault", ["changed", "missing", "foreign"])
def test_tampering_is_found_by_the_command(fleet: Fleet, technician: Person, tmp_path: Path, fault: str) -> None:
    for number in range(4):
        acts.record(technician, "post_aimed", f"number {number}", log=fleet.acts)
    lines = fleet.acts.path.read_bytes().splitlines(keepends=True)
    if fault == "changed":
        lines[1] = lines[1].replace(b"number 1", b"number 9")
    elif fault == "missing":
        del lines[1]
    else:
        other = Fleet.create(tmp_path / "other", agency="riverside")
        stranger = Person.load(other.add_operator("a-technician", Role.TECHNICIAN))
        acts.record(stranger, "post_aimed", "not mine", log=fleet.acts)
        lines = fleet.acts.path.read_bytes().splitlines(keepends=True)
    fleet.acts.path.write_bytes(b"".join(lines))

    result = CliRunner().invoke(verify, [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"])

    assert result.exit_code == 1
    assert fault in result.output or ("changed" in result.output and fault == "changed")


def test_log_that_was_cut_or_made_anew_does_not_have_the_end_that_was_noted(
    fleet: Fleet, technician: Person, administrator: Person
) -> None:
    words = [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"]
    show = ["acts", str(fleet.directory), "--head"]
    assert isinstance(CliRunner().invoke(provision, show).exception, ProvisioningError)
    acts.record(technician, "post_aimed", "first", log=fleet.acts)
    before = CliRunner().invoke(provision, show).output.strip()
    acts.record(administrator, "post_revoked", "a grudge", log=fleet.acts)
    said = json.loads(CliRunner().invoke(provision, [*show, "--json"]).output)
    assert (said["number"], said["head"]) == (2, f"2:{said['digest']}")
    heads = ["--head", before, "--head", said["head"]]
    assert CliRunner().invoke(verify, [*words, *heads]).exit_code == 0

    fleet.acts.path.write_bytes(fleet.acts.path.read_bytes().splitlines(keepends=True)[0])

    assert CliRunner().invoke(verify, words).exit_code == 0, "the chain alone cannot tell"
    assert CliRunner().invoke(verify, [*words, *heads]).exit_code == 1
    acts.record(administrator, "post_added", "nothing happened", log=fleet.acts)
    result = CliRunner().invoke(verify, [*words, *heads])
    assert (result.exit_code, "another record has that number" in result.output) == (1, True)


def test_act_in_the_name_of_somebody_else_is_found(fleet: Fleet, technician: Person, administrator: Person) -> None:
    acts.record(administrator, "post_added", "mine", log=fleet.acts)
    acts.record(replace(technician, name="a-administrator"), "post_revoked", "not mine", log=fleet.acts)

    result = CliRunner().invoke(verify, [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"])

    assert result.exit_code == 1
    assert "signed with the key of a-technician, in the name of a-administrator" in result.output
    assert "missing" not in result.output


def test_whose_certification_has_ended_is_refused_and_that_is_logged(fleet: Fleet, technician: Person) -> None:
    after = technician.expires + timedelta(seconds=1)
    with pytest.raises(NotCertifiedError, match="certification of a-technician ended"):
        acts.record(technician, "post_aimed", "late", log=fleet.acts, now=after)
    with pytest.raises(NotCertifiedError, match="is this clock right"):
        acts.record(technician, "post_aimed", "early", log=fleet.acts, now=after - timedelta(days=3 * 365))
    assert [(act.outcome, act.reason) for act in fleet.acts] == [
        ("refused", "certification_expired"),
        ("refused", "certification_not_yet_valid"),
    ]
    assert verified(fleet).intact


def test_role_that_may_not_is_refused(fleet: Fleet, technician: Person) -> None:
    with pytest.raises(NotCertifiedError, match="certified as technician; this takes: administrator"):
        acts.record(technician, "post_revoked", "stolen", log=fleet.acts, roles={Role.ADMINISTRATOR})
    assert [act.reason for act in fleet.acts] == ["role"]


@pytest.mark.parametrize("purpose", ["", "  ", "x" * 201, "two\nlines"])
def test_act_without_a_purpose_in_one_line_is_refused(fleet: Fleet, technician: Person, purpose: str) -> None:
    with pytest.raises(ProvisioningError, match="purpose"):
        acts.record(technician, "post_aimed", purpose, log=fleet.acts)
    assert not fleet.acts.path.exists()


def test_half_a_line_that_a_power_cut_left_is_cut_off(fleet: Fleet, technician: Person) -> None:
    acts.record(technician, "post_aimed", "first", log=fleet.acts)
    with fleet.acts.path.open("ab") as file:
        file.write(b'{"specversion": "1.0", "id"')
    assert [act.details["purpose"] for act in fleet.acts] == ["first"]
    acts.record(technician, "post_aimed", "second", log=fleet.acts)
    assert [act.details["purpose"] for act in fleet.acts] == ["first", "second"]
    assert verified(fleet).intact


def test_damaged_end_is_not_built_upon(fleet: Fleet, technician: Person) -> None:
    acts.record(technician, "post_aimed", "first", log=fleet.acts)
    fleet.acts.path.write_bytes(b"nonsense\n")
    with pytest.raises(ProvisioningError, match="platepost verify"):
        acts.record(technician, "post_aimed", "second", log=fleet.acts)
    with pytest.raises(ProvisioningError, match="line 1"):
        list(fleet.acts)


def test_people_who_act_at_once_make_one_chain(fleet: Fleet, technician: Person) -> None:
    def act() -> None:
        for number in range(5):
            acts.record(technician, "post_aimed", f"number {number}", log=fleet.acts)

    threads = [Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(fleet.acts)) == 20
    assert verified(fleet).intact


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_log_that_cannot_be_written_stops_the_act(fleet: Fleet, technician: Person) -> None:
    fleet.acts.path.parent.mkdir(mode=0o500)
    with pytest.raises(ProvisioningError, match="cannot be logged"):
        acts.record(technician, "post_aimed", "first", log=fleet.acts)


def test_own_log_lies_with_the_identity(technician: Person) -> None:
    log = acts.ActLog.of(technician)
    acts.record(technician, "post_accepted", "work order 7731", log=log, object="post-17")
    event = json.loads(log.path.read_bytes())
    assert event["source"] == "//alpr/v1/riverside/a-technician"
    assert log.path.parent == technician.folder
