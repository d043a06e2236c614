import json
import re
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.commands.options import FleetSession
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.people.person import NotCertifiedError
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, Authority
from platepost.provisioning.trust.keys import read_private_key
from platepost.wire.records.base import timestamp
from platepost.wire.verify.cli import verify


def run(*arguments: object) -> str:
    result = CliRunner().invoke(provision, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    run("fleet", "init", tmp_path / "fleet", "--agency", "riverside", "--no-passphrase", "--administrator", "j-stone")
    return tmp_path / "fleet"


def acts_of(directory: Path) -> list[tuple[str, str, str | None, str]]:
    rows = json.loads(run("audit-log", directory, "--json"))
    return [(row["identity"], row["action"], row.get("object"), row["outcome"]) for row in rows]


def test_person_is_certified_until_the_day_and_it_is_logged_who_did_it(directory: Path) -> None:
    until = (datetime.now(UTC) + timedelta(days=40)).date()
    options = ("--role", "technician", "--full-name", "Rosa Alvarez", "--certified-until", until)
    run("person", "add", directory, "r-alvarez", *options, "--purpose", "course passed")

    entry = Fleet.load(directory).people["r-alvarez"]

    assert entry.full_name == "Rosa Alvarez"
    assert entry.expires == datetime.combine(until, datetime.min.time(), UTC) + timedelta(days=1)
    assert acts_of(directory)[-1] == ("j-stone", "person_certified", "r-alvarez", "success")
    assert "Rosa Alvarez" in run("person", "list", directory)
    keys = ["--key", str(directory / "people" / "keys")]
    assert CliRunner().invoke(verify, [str(directory / "acts" / "acts.jsonl"), *keys, "--whole"]).exit_code == 0


def test_a_name_that_acts_on_a_terminal_is_refused_and_a_file_that_has_one_is_shown(directory: Path) -> None:
    words = ["person", "add", str(directory), "r-alvarez", "--role", "technician", "--purpose", "course passed"]
    result = CliRunner().invoke(provision, [*words, "--full-name", "Rosa\x1b[2J"])
    assert result.exit_code == 2
    assert "printable" in result.output
    assert "r-alvarez" not in Fleet.load(directory).people
    run(*words)
    entry = directory / "people" / "r-alvarez.json"
    entry.write_text(re.sub(r'("full_name":\s*)"[^"]*"', r'\1"R\\u202ez"', entry.read_text()))
    with pytest.raises(ProvisioningError, match="r-alvarez"):
        run("person", "list", directory)


def test_who_is_expired_may_do_nothing_more(directory: Path) -> None:
    run("person", "add", directory, "k-webb", "--role", "administrator", "--purpose", "deputy")
    identity = directory.parent / "laptop"
    (directory / "operators" / "k-webb").rename(identity)  # as when it was handed over
    run("person", "add", directory, "m-cole", "--role", "technician", "--as", identity, "--purpose", "course passed")

    run("person", "expire", directory, "k-webb", "--as", "j-stone", "--purpose", "left")

    with pytest.raises(NotCertifiedError, match="certification of k-webb ended"):
        run("person", "add", directory, "a-friend", "--role", "technician", "--as", identity, "--purpose", "a favor")
    assert "a-friend" not in Fleet.load(directory).people
    assert acts_of(directory)[-1] == ("k-webb", "act_refused", None, "refused")
    (listed,) = (row for row in json.loads(run("person", "list", directory, "--json")) if row["name"] == "k-webb")
    assert not listed["certified_now"]


def test_only_administrator_stays_until_there_is_another(directory: Path) -> None:
    expire = ("person", "expire", directory, "j-stone", "--as", "j-stone", "--purpose", "left")
    with pytest.raises(ProvisioningError, match="certify another one first"):
        run(*expire)
    assert Fleet.load(directory).people["j-stone"].is_certified()
    assert acts_of(directory)[-1][1] == "fleet_made"
    run("person", "add", directory, "k-webb", "--role", "administrator", "--purpose", "successor")
    run(*expire)
    assert [entry.name for entry in Fleet.load(directory).people if entry.is_certified()] == ["k-webb"]


def test_technician_may_not_certify_anybody(directory: Path) -> None:
    run("person", "add", directory, "r-alvarez", "--role", "technician", "--purpose", "course passed")
    with pytest.raises(NotCertifiedError, match="requires: administrator"):
        run("subscriber", "add", directory, "mine", "--as", "r-alvarez", "--purpose", "why not")
    assert Fleet.load(directory).subscribers() == ()


def test_person_of_another_fleet_is_nobody_here(directory: Path, tmp_path: Path) -> None:
    run("fleet", "init", tmp_path / "other", "--agency", "riverside", "--no-passphrase", "--administrator", "j-stone")
    identity = tmp_path / "other" / "operators" / "j-stone"
    with pytest.raises(NotCertifiedError, match="not certified in this fleet with this key"):
        run("subscriber", "add", directory, "mine", "--as", identity, "--purpose", "why not")


def test_who_acts_must_be_said_where_there_are_several(directory: Path) -> None:
    run("person", "add", directory, "k-webb", "--role", "administrator", "--purpose", "deputy")
    with pytest.raises(ProvisioningError, match="--as NAME; this fleet has: j-stone, k-webb"):
        run("subscriber", "add", directory, "dispatch", "--purpose", "console")
    with pytest.raises(ProvisioningError, match="neither a person"):
        run("subscriber", "add", directory, "dispatch", "--as", "nobody", "--purpose", "console")


def test_day_that_is_over_is_refused(directory: Path) -> None:
    with pytest.raises(ProvisioningError, match="is in the past"):
        run(
            "person", "add", directory, "x", "--role", "technician", "--certified-until", "2020-01-01", "--purpose", "p"
        )


def test_role_is_what_the_register_says(directory: Path) -> None:
    """Anyone who has a certified key can make a certificate for it that says more."""
    run("person", "add", directory, "r-alvarez", "--role", "technician", "--purpose", "course passed")
    mine = directory.parent / "mine"
    (directory / "operators" / "r-alvarez").rename(mine)
    key = read_private_key(mine / KEY_FILE)
    made = Authority.create("riverside").issue_operator(
        "r-alvarez", key, agency="riverside", role="administrator", valid=timedelta(days=30)
    )
    (mine / CERTIFICATE_FILE).write_bytes(made)
    with pytest.raises(NotCertifiedError, match="certified as technician, not as administrator"):
        run("subscriber", "add", directory, "mine", "--as", mine, "--purpose", "why not")
    assert Fleet.load(directory).subscribers() == ()


def test_nothing_is_done_that_cannot_be_logged(directory: Path) -> None:
    with (directory / "acts" / "acts.jsonl").open("ab") as log:
        log.write(b"{}\n")
    with pytest.raises(ProvisioningError, match="is damaged: `platepost verify` shows where"):
        run("subscriber", "add", directory, "dispatch", "--purpose", "console")
    assert Fleet.load(directory).subscribers() == ()


def test_what_was_done_is_logged_as_done_though_the_certification_ended_meanwhile(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return cls.fromtimestamp(datetime.now(tz).timestamp() + 400 * 86400, tz)

    session = FleetSession(Fleet.load(directory), "j-stone", "a long rollout")
    monkeypatch.setattr("platepost.provisioning.people.acts.datetime", Later)
    session.did("configuration_rolled_out", object="x" * 300)
    assert acts_of(directory)[-1] == ("j-stone", "configuration_rolled_out", "x" * 200, "success")


def end(directory: Path, name: str, days: float) -> None:
    """Have the certification of a person end so many days from now."""
    path = directory / "people" / f"{name}.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"expires": timestamp(datetime.now(UTC) + timedelta(days))})
    )


def test_it_is_said_ahead_that_no_administrator_will_be_certified(directory: Path) -> None:
    assert "Warning" not in run("subscriber", "add", directory, "one", "--purpose", "console")
    end(directory, "j-stone", 20.5)
    assert "in 20 days no administrator is certified" in run(
        "subscriber", "add", directory, "two", "--purpose", "console"
    )
    status = CliRunner().invoke(provision, ["fleet", "status", str(directory), "--json"])
    assert "in 20 days no administrator is certified" in json.loads(status.stdout)["office"]
    run("person", "add", directory, "k-webb", "--role", "administrator", "--purpose", "deputy")
    as_stone = ("--as", "j-stone", "--purpose", "console")
    assert "Warning" not in run("subscriber", "add", directory, "three", *as_stone)


def test_root_certifies_an_administrator_where_there_is_none(directory: Path, tmp_path: Path) -> None:
    add = ("person", "add", directory, "k-webb", "--purpose", "all have ended", "--root")
    with pytest.raises(ProvisioningError, match="this fleet has: j-stone"):
        run(*add, directory / "root", "--role", "administrator")
    end(directory, "j-stone", -1)
    Authority.create_root("riverside").save(tmp_path / "other")
    for root, role, told in (
        (tmp_path / "other", "administrator", "not the root of this fleet"),
        (directory / "authority", "administrator", "not the root of this fleet"),
        (directory / "root", "technician", "certifies administrators only"),
    ):
        with pytest.raises(ProvisioningError, match=told):
            run(*add, root, "--role", role)
    run(*add, directory / "root", "--role", "administrator")
    run("subscriber", "add", directory, "dispatch", "--purpose", "console")
    assert acts_of(directory)[-2:] == [
        ("k-webb", "person_certified", "k-webb", "success"),
        ("k-webb", "subscriber_added", "dispatch", "success"),
    ]


@pytest.mark.parametrize(
    ("command", "act"),
    [
        (("person", "add", "k-webb", "--role", "administrator"), "person_certified"),
        (("person", "expire", "r-alvarez"), "person_expired"),
        (("subscriber", "add", "dispatch"), "subscriber_added"),
    ],
)
def test_what_is_broken_off_is_logged(
    directory: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], act: str
) -> None:
    run("person", "add", directory, "r-alvarez", "--role", "technician", "--purpose", "course passed")

    def broken_off(_fleet: Fleet) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Fleet, "write_access_list", broken_off)
        words = [*command[:2], str(directory), *command[2:], "--purpose", "new", "--as", "j-stone"]
        assert CliRunner().invoke(provision, words).exit_code == 1
    assert acts_of(directory)[-1] == ("j-stone", act, command[2], "failure")
