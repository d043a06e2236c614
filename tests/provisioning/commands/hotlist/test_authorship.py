import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from platepost.common.errors import PlatepostError
from platepost.provisioning.cli import provision
from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.unattributed import user
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.files import Files, mark_of, marking_key
from platepost.provisioning.hotlist.rows import SourceError
from platepost.provisioning.people.acts import ActLog
from platepost.provisioning.people.person import NotCertifiedError
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.records import Audit, Role
from platepost.wire.verify.cli import verify

EXPORT = "plate,state,category\n" + "".join(f"T{number:05d},CA,local\n" for number in range(40))
PATTERNS = "pattern,category,case,author,expires\n6XY*,local,C-1,Sample,2099-01-01\n"
CRON = ("--as", "lists", "--purpose", "by cron")


class Office:
    """A department with one post, an administrator, a technician and a list builder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fleet = Fleet.create(folder / "fleet", agency="riverside", administrator="j-stone")
        self.fleet.add_operator("r-alvarez", Role.TECHNICIAN)
        self.fleet.add_operator("lists", Role.LIST_BUILDER)
        self.fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
        self.file("export.csv", EXPORT)

    def file(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text)
        return self.folder / name

    @property
    def output(self) -> Path:
        return self.folder / "out.package"

    def run(self, command: str, *words: object, fleet: bool = True, env: dict[str, str] | None = None) -> Result:
        more = ("--fleet", self.fleet.directory) if fleet else ()
        return CliRunner().invoke(hotlist, [command, *map(str, words), *map(str, more)], env=env)

    def build(self, *words: object, code: int = 0, **more: Any) -> Result:
        result = self.run("build", self.folder / "export.csv", "-o", self.output, *words, **more)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    @property
    def acts(self) -> list[Audit]:
        return list(self.fleet.acts)

    def verified(self) -> bool:
        words = [str(self.fleet.acts.path), "--key", str(self.fleet.people.keys), "--whole"]
        return CliRunner().invoke(verify, words).exit_code == 0


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_who_built_a_list_of_what_is_signed_for(office: Office) -> None:
    patterns = office.file("patterns.csv", PATTERNS)
    summary = json.loads(office.build("--patterns", patterns, "--json", *CRON).stdout)

    begun, done = office.acts

    assert [act.action for act in (begun, done)] == ["hotlist_build", "hotlist_built"]
    assert {act.identity for act in (begun, done)} == {"lists"}
    assert begun.object == done.object == str(summary["version"]), "as in what posts say of a list"
    told = begun.details
    assert (told["purpose"], told["role"]) == ("by cron", "list-builder")
    assert (told["digest"], told["kind"]) == (summary["digest"], "complete")
    assert (told["entries"], told["patterns"], told["refused"], told["output"]) == (41, 1, 0, "out.package")
    key = marking_key(office.fleet.list_decryption_key().read_bytes())
    expected = [("export.csv", "export"), ("patterns.csv", "patterns")]
    assert told["files"] == [
        {
            "name": name,
            "is": kind,
            "bytes": (office.folder / name).stat().st_size,
            "mark": mark_of(office.folder / name, key),
        }
        for name, kind in expected
    ]
    assert begun.details["begins"] == done.details["ends"]
    assert office.verified()


def test_a_delta_says_what_came_of_which_files(office: Office) -> None:
    office.build(*CRON)
    news = office.file("stolen.csv", "plate,category\n9NEW111,local\n")
    gone = office.file("recovered.csv", "plate\nT00003\n")
    result = office.run("delta", "--add", news, "--remove", gone, "-o", office.output, *CRON)
    assert result.exit_code == 0, result.output
    told = office.acts[2].details
    assert (office.acts[2].action, told["kind"], told["additions"], told["removals"]) == (
        "hotlist_build",
        "delta",
        1,
        1,
    )
    assert re.findall(r'"is": "(\w+)"', json.dumps(told["files"])) == ["additions", "removals"]
    assert office.verified()


def test_the_log_does_not_give_away_the_plate_in_a_file_of_one(office: Office) -> None:
    office.build(*CRON)
    gone = office.file("recovered.csv", "plate\nT00003\n")
    assert office.run("delta", "--remove", gone, "-o", office.output, *CRON).exit_code == 0
    (office.folder / "elsewhere").mkdir()
    other = Office(office.folder / "elsewhere")
    text = office.fleet.acts.path.read_text()
    assert "T00003" not in text
    own, foreign = (mark_of(gone, marking_key(one.fleet.list_decryption_key().read_bytes())) for one in (office, other))
    assert own in text
    assert foreign != own, "the same file has another mark in another department"
    assert sha256(gone.read_bytes()).hexdigest() not in text


def test_the_acts_by_which_a_file_came_into_lists_are_found(office: Office) -> None:
    office.build(*CRON)
    export = office.file("export.csv", EXPORT + "T99999,CA,local\n")
    version = json.loads(office.build("--json", *CRON).stdout)["version"]
    office.run("export", "--to", office.folder / "stick", *CRON)
    words = [
        "audit-log",
        str(office.fleet.directory),
        "--json",
        "--file",
        str(export.rename(office.folder / "old.csv")),
    ]
    found = json.loads(CliRunner().invoke(provision, words).output)
    assert [(act["action"], act["object"]) for act in found] == [("hotlist_build", str(version))]


def test_an_administrator_named_by_nothing_but_a_purpose_signs_as_elsewhere(office: Office) -> None:
    office.build("--purpose", "the county's list is late")
    assert {act.identity for act in office.acts} == {"j-stone"}


def test_what_nobody_answers_for_is_logged_as_the_system_s_user_s_and_said(office: Office) -> None:
    result = office.build()
    assert f"no one signs for this, and it is logged so, as done by {user()}" in result.stderr
    assert [(act.identity, act.action) for act in office.acts] == [
        ("nobody", "hotlist_build"),
        ("nobody", "hotlist_built"),
    ]
    assert office.acts[0].details["user"] == user()
    assert office.verified()


def test_whoever_is_named_says_why(office: Office) -> None:
    assert "add --purpose" in office.build("--as", "lists", code=2).output
    assert "add --purpose" in office.build(code=2, env={"PLATEPOST_PERSON": "lists"}).output
    assert office.acts == []
    assert not office.output.exists()


def test_a_technician_builds_no_list_and_that_is_logged(office: Office) -> None:
    result = office.build("--as", "r-alvarez", "--purpose", "a favor", code=1)
    assert isinstance(result.exception, NotCertifiedError)
    assert [(act.identity, act.action, act.reason) for act in office.acts] == [("r-alvarez", "act_refused", "role")]
    assert not office.output.exists()


def test_a_list_builder_may_do_nothing_else(office: Office) -> None:
    words = ["subscriber", "add", str(office.fleet.directory), "mine", *CRON]
    assert isinstance(CliRunner().invoke(provision, words).exception, NotCertifiedError)
    assert office.fleet.subscribers() == ()


def test_an_act_is_in_the_log_before_the_deed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def keep(*_: object, **__: object) -> Path:
        seen.extend(act.action for act in office.acts)
        raise ProvisioningError("the disk is full")

    monkeypatch.setattr(Archive, "keep", keep)
    office.build(*CRON, code=1)
    assert seen == ["hotlist_build"], "a crash here leaves a beginning without an end"
    assert [(act.action, act.outcome) for act in office.acts[1:]] == [("hotlist_built", "failure")]
    assert office.acts[1].details["message"] == "broken off: the disk is full"


def test_what_is_refused_in_words_is_no_act(office: Office) -> None:
    office.build(*CRON)
    office.file("export.csv", EXPORT[:200])
    office.build(*CRON, code=1)
    assert len(office.acts) == 2
    office.build("--override-reason", "a new county", *CRON)
    assert office.acts[2].details["size_override"] == "a new county"


def test_a_file_that_changes_while_it_is_read_makes_no_list(office: Office) -> None:
    path = office.file("export.csv", EXPORT)
    files = Files(office.fleet.list_decryption_key().read_bytes(), export=[path])
    assert files.said()
    path.write_text(EXPORT + "T99999,CA,local\n")
    with pytest.raises(SourceError, match=re.escape("export.csv: was changed while it was read")):
        files.said()


def test_what_goes_onto_a_stick_is_signed_for(office: Office) -> None:
    office.build(*CRON)
    stick = office.folder / "stick"
    assert office.run("export", "--to", stick, *CRON).exit_code == 0
    begun, done = office.acts[2:]
    assert [begun.action, done.action] == ["hotlist_export", "hotlist_exported"]
    assert (begun.identity, begun.object, begun.details["to"]) == ("lists", office.acts[0].object, str(stick))
    assert begun.details["digest"] == office.acts[0].details["digest"]


def test_a_list_that_did_not_reach_the_broker_is_no_act(office: Office) -> None:
    office.build(*CRON)
    result = office.run("publish", office.output, "--broker", "localhost:1", *CRON)
    assert isinstance(result.exception, PlatepostError)
    assert len(office.acts) == 2


def apart(office: Office, *words: object) -> Result:
    """Build with keys alone, without the fleet's folder."""
    office.file("signing.pem", private_pem(new_key()).decode())
    office.file("post.pem", public_pem(new_key()).decode())
    keys = ("--agency", "riverside", "--signing-key", office.folder / "signing.pem", "--post-key")
    return office.run(
        "build",
        office.folder / "export.csv",
        "-o",
        office.output,
        *keys,
        office.folder / "post.pem",
        *words,
        fleet=False,
    )


def test_without_a_fleet_the_log_in_the_own_folder_has_it(office: Office) -> None:
    folder = office.fleet.operator("lists").rename(office.folder / "builder")
    result = apart(office, "--as", folder, "--purpose", "by cron")
    assert result.exit_code == 0, result.output
    log = ActLog(folder / "acts.jsonl", office.fleet.acts.source)
    assert [(act.identity, act.action) for act in log] == [("lists", "hotlist_build"), ("lists", "hotlist_built")]
    assert "mark" not in json.dumps([act.details for act in log]), "there is no key for it"
    assert CliRunner().invoke(verify, [str(log.path), "--key", str(office.fleet.people.keys)]).exit_code == 0


def test_without_a_fleet_a_technician_builds_no_list_either(office: Office) -> None:
    result = apart(office, "--as", office.fleet.operator("r-alvarez"), "--purpose", "a favor")
    assert isinstance(result.exception, NotCertifiedError)
    assert not office.output.exists()


def test_without_a_fleet_and_a_name_it_is_said_that_no_log_has_it(office: Office) -> None:
    result = apart(office)
    assert result.exit_code == 0, result.output
    assert "no log has this" in result.stderr
    assert "say whose log is to have it" in apart(office, "--purpose", "by cron").output
    assert isinstance(apart(office, "--as", "lists", "--purpose", "by cron").exception, ProvisioningError)


def test_an_export_that_is_published_is_told_from_a_package(office: Office) -> None:
    export = office.folder / "export.csv"
    export.write_text("plate,category\n7ABC123,stolen_vehicle\n")
    result = office.run("publish", export, "--broker", "localhost:1")
    assert result.exit_code != 0
    assert "'platepost provision hotlist build'" in str(result.exception)
