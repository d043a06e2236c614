import json
import stat
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.unattributed import nobody, user
from platepost.provisioning.people.acts import Author
from platepost.provisioning.people.person import Person
from platepost.provisioning.trust.keys import new_key
from platepost.wire.records import Role
from platepost.wire.records.signing import read_key
from platepost.wire.verify.cli import verify


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside", administrator="j-stone")


def verified(fleet: Fleet) -> tuple[int, str]:
    result = CliRunner().invoke(verify, [str(fleet.acts.path), "--key", str(fleet.people.keys), "--whole"])
    return result.exit_code, result.output


def test_what_nobody_signed_for_names_the_system_s_user_and_is_of_the_chain(fleet: Fleet) -> None:
    administrator = Person.load(fleet.operator("j-stone"))
    Author.of(administrator, "work order 7731", log=fleet.acts).record("post_added")
    nobody(fleet).record("hotlist_built", object="7", details={"entries": 2})
    nobody(fleet).record("hotlist_built", object="8")
    Author.of(administrator, "work order 7732", log=fleet.acts).record("post_added")

    act = list(fleet.acts)[1]

    assert (act.identity, act.object, act.details) == ("nobody", "7", {"user": user(), "entries": 2})
    assert verified(fleet)[0] == 0, verified(fleet)[1]
    shown = CliRunner().invoke(provision, ["audit-log", str(fleet.directory)], env={"COLUMNS": "200"}).output
    assert f"nobody: {user()}" in shown


def test_key_of_the_log_signs_in_nobody_else_s_name(fleet: Fleet) -> None:
    nobody(fleet).record("hotlist_built")
    key = fleet.acts.path.with_name("nobody.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    stolen = Person.load(fleet.operator("j-stone"))
    Author.of(replace(stolen, key=read_key(key.read_bytes())), "not mine", log=fleet.acts).record("post_revoked")

    code, said = verified(fleet)

    assert code == 1
    assert "signed with the key of nobody, in the name of j-stone" in said


def test_nobody_is_no_name_for_anybody(fleet: Fleet) -> None:
    with pytest.raises(ProvisioningError, match="nobody"):
        fleet.add_operator("nobody", Role.OPERATOR)


def test_several_at_once_make_one_key(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly() -> ec.EllipticCurvePrivateKey:
        time.sleep(0.2)  # so that all of them have seen that there is none
        return new_key()

    monkeypatch.setattr("platepost.provisioning.fleet.unattributed.new_key", slowly)
    threads = [Thread(target=lambda: nobody(fleet).record("hotlist_built")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(fleet.acts)) == 8
    assert len(list(fleet.people.keys.glob("nobody.*.pem"))) == 1
    assert verified(fleet)[0] == 0


@pytest.mark.parametrize(("ends", "shown"), [(True, "begun"), (False, "begun, and no end of it")])
def test_what_was_begun_and_never_ended_is_shown(fleet: Fleet, ends: bool, shown: str) -> None:  # noqa: FBT001 - a case
    nobody(fleet).record("hotlist_publish", object="7", details={"begins": "one"})
    if ends:
        nobody(fleet).record("hotlist_published", object="7", details={"ends": "one"})
    result = CliRunner().invoke(provision, ["audit-log", str(fleet.directory)], env={"COLUMNS": "200"})
    (line,) = (line for line in result.output.splitlines() if "hotlist_publish " in line)
    assert shown in line
    assert ("no end of it" in line) is not ends
    rows = json.loads(CliRunner().invoke(provision, ["audit-log", str(fleet.directory), "--json"]).output)
    assert rows[0]["details"]["begins"] == "one"
