import csv
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.mapping import DEFAULT_CATEGORIES
from platepost.provisioning.hotlist.rows import SizeJumpError, SourceError
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotListStore

EXPORT = """plate,state,category,priority,entered,expires,reference
7ABC-123,CA,stolen_vehicle,2,2026-01-01,2099-01-01,NCIC-1
8ODE456,CA,stolen_plate,,,,NCIC-2
8ODE456,CA,stolen_plate,,,,NCIC-2
NONE,CA,stolen_vehicle,,,,
"""
PATTERNS = """pattern,characters,state,category,priority,case,author,expires
6XY*,7,CA,felony_vehicle,1,C-1,Sample,2099-01-01
7AB*,,CA,felony_vehicle,1,,Sample,2099-01-01
"""


@pytest.fixture
def department(tmp_path: Path) -> Path:
    issuer, post = new_key(), new_key()
    (tmp_path / "posts").mkdir()
    for name, content in {
        "signing.pem": private_pem(issuer),
        "verifying.pem": public_pem(issuer),
        "posts/post-1.pem": public_pem(post),
        "unseal.pem": private_pem(post),
        "export.csv": EXPORT.encode(),
        "patterns.csv": PATTERNS.encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def run(department: Path, *arguments: str) -> Result:
    """Run a command on the department's files: what ends in a known suffix is a path of it."""
    suffixes = (".pem", ".csv", ".package", "posts")
    resolved = [str(department / word) if word.endswith(suffixes) else word for word in arguments]
    return CliRunner().invoke(hotlist, resolved)


def build(department: Path, *more: str, output: str = "list.package") -> Result:
    keys = ("--agency", "demo", "--signing-key", "signing.pem", "--post-key", "posts")
    return run(department, "build", "export.csv", *keys, "--output", output, *more)


def test_a_build_says_what_it_did_and_the_post_takes_it(department: Path) -> None:
    result = build(department, "--patterns", "patterns.csv", "--refusals", "refused.csv", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["entries"], summary["patterns"], summary["duplicates"], summary["refused"]) == (3, 1, 1, 2)
    assert summary["reasons"]["a word for a missing plate"] == 1
    assert summary["categories"] == {"felony_vehicle": 1, "stolen_plate": 2, "stolen_vehicle": 1}
    with (department / "refused.csv").open(newline="") as file:
        listed = [(row["source"], row["line"]) for row in csv.DictReader(file)]
    assert listed == [("patterns.csv", "3"), ("export.csv", "5")]
    keys = {name: (department / f"{name}.pem").read_bytes() for name in ("verifying", "unseal")}
    store = HotListStore(department / "post", agency="demo", issuer_key=keys["verifying"], unseal_key=keys["unseal"])
    installed = store.install((department / "list.package").read_bytes())
    assert (installed.version, installed.digest) == (summary["version"], summary["digest"])
    (match,) = installed.match("80DE456", at=installed.built)
    assert match.reference == "NCIC-2"


def test_a_build_says_how_many_rows_ran_over_several_lines(department: Path) -> None:
    (department / "export.csv").write_text(EXPORT + '7ABC999,CA,local,,,,"two\nlines"\n')
    assert json.loads(build(department, "--json").stdout)["rows_of_several_lines"] == 1


def test_a_build_says_which_fields_its_sources_have_not(department: Path) -> None:
    assert json.loads(build(department, "--json").stdout)["without"] == {"export.csv": "distribution"}
    (department / "export.csv").write_text("plate,category,expiry\n7ABC123,local,2098-12-31\n")
    shown = build(department)
    assert "export.csv: state, expires, reference, distribution" in " ".join(shown.stdout.split())


def test_a_build_for_people_shows_a_table_and_refusals_on_the_side(department: Path) -> None:
    result = build(department)
    assert result.exit_code == 0, result.output
    assert "entries" in result.stdout
    assert "export.csv, line 5: a word for a missing plate" in result.stderr
    assert "7ABC" not in result.output


def test_the_version_follows_the_previous_list(department: Path) -> None:
    assert build(department, "--version", "7").exit_code == 0
    result = build(department, "--previous", "list.package", "--json", output="next.package")
    assert json.loads(result.stdout)["version"] == 8


def test_a_size_jump_is_refused_until_it_has_a_reason(department: Path) -> None:
    build(department)
    more = "".join(f"T{number:05d},CA,local,,,,\n" for number in range(40))
    (department / "export.csv").write_text(EXPORT + more)
    result = build(department, "--previous", "list.package", output="next.package")
    assert isinstance(result.exception, SizeJumpError)
    assert not (department / "next.package").exists()
    build(department, "--previous", "list.package", "--refusals", "refused.csv", output="next.package")
    assert "export.csv,5," in (department / "refused.csv").read_text()
    result = build(
        department, "--previous", "list.package", "--override-reason", "another source", output="next.package"
    )
    assert result.exit_code == 0, result.output
    assert "another source" in run(department, "inspect", "next.package", "--json").stdout


def test_the_share_of_a_size_jump_can_be_given(department: Path) -> None:
    build(department)
    (department / "export.csv").write_text(EXPORT + "".join(f"T{number:05d},CA,local,,,,\n" for number in range(40)))
    assert build(department, "--previous", "list.package", "--size-jump", "30", output="next.package").exit_code == 0
    result = build(department, "--previous", "list.package", "--size-jump", "3", output="next.package")
    assert isinstance(result.exception, SizeJumpError)
    assert "more than 300% apart" in str(result.exception)


def test_a_fleet_remembers_its_last_list(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",), camera="footage"))
    export = tmp_path / "export.csv"
    export.write_text(EXPORT)
    arguments = ["build", str(export), "--fleet", str(fleet.directory), "--output", str(tmp_path / "list.package")]
    first = json.loads(CliRunner().invoke(hotlist, [*arguments, "--version", "7", "--json"]).stdout)
    assert "previous" not in first
    export.write_text(EXPORT + "".join(f"T{number:05d},CA,local,,,,\n" for number in range(40)))
    jumped = CliRunner().invoke(hotlist, arguments)
    assert isinstance(jumped.exception, SizeJumpError)
    assert "43 entries after 3 of version 7" in str(jumped.exception)
    shown = CliRunner().invoke(hotlist, [*arguments, "--override-reason", "the county's list came too"])
    assert shown.exit_code == 0, shown.output
    assert "the county's list came too" in shown.stdout
    assert "version 7" in shown.stdout
    assert "8" in shown.stdout
    kept = sorted(fleet.list_archive.iterdir())
    assert [path.name for path in kept] == ["0000000000000007.complete", "0000000000000008.complete"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_several_exports_make_one_list_each_by_its_own_mapping(department: Path) -> None:
    (department / "state.csv").write_text("EV;7ABC999\nEX;7ABC998\n")
    (department / "state.toml").write_text(
        '[source]\nheader = false\ndelimiter = ";"\n[columns]\ncategory = 1\nplate = 2\n'
        '[categories]\nEV = "stolen_vehicle"\n'
    )
    (department / "own.toml").write_text("")
    mappings = ("--mapping", str(department / "own.toml"), "--mapping", str(department / "state.toml"))
    result = build(department, "state.csv", *mappings, "--refusals", "refused.csv", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["entries"] == 4
    with (department / "refused.csv").open(newline="") as file:
        assert [(row["source"], row["line"]) for row in csv.DictReader(file)] == [
            ("export.csv", "5"),
            ("state.csv", "2"),
        ]
    result = build(department, "state.csv", *mappings, "--mapping", str(department / "own.toml"))
    assert result.exit_code == 2
    assert "3 mappings for 2 sources" in result.output


def test_sources_of_one_name_are_told_apart(department: Path) -> None:
    (department / "county").mkdir()
    (department / "county" / "export.csv").write_text("plate,category\nNONE,local\n")
    build(department, "county/export.csv", "--refusals", "refused.csv")
    refused = (department / "refused.csv").read_text().splitlines()[1:]
    reason = "a word for a missing plate"
    own, county = (department / name for name in ("export.csv", "county/export.csv"))
    assert refused == [f"{own},5,{reason}", f"{county},2,{reason}"]


def test_a_source_without_a_fit_row_builds_nothing(department: Path) -> None:
    (department / "export.csv").write_text("plate,category\nNONE,local\n")
    result = build(department)
    assert isinstance(result.exception, SourceError)
    assert not (department / "list.package").exists()


def test_a_refused_category_is_answered_with_those_allowed_and_how_to_allow_more(department: Path) -> None:
    (department / "export.csv").write_text("plate,category\n7ABC123,local\n7ABC124,tax\n7ABC125,tax\n")
    result = build(department)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Allowed categories: acceptance_test, amber_alert, bolo, ") == 1
    assert "--mapping" in result.stderr

    (department / "mapping.toml").write_text('[categories]\nfiscal = "tax"\n')
    mapped = build(department, "--mapping", str(department / "mapping.toml"))
    assert isinstance(mapped.exception, SourceError)
    assert "category 'tax' is not on the allow-list (2)" in str(mapped.exception)
    assert "Allowed categories: fiscal." in str(mapped.exception)


def test_a_wrong_mapping_does_not_fill_the_screen_with_reasons(department: Path) -> None:
    rows = "".join(f"7ABC{number:03d},kind {number}\n" for number in range(100))
    (department / "export.csv").write_text(f"plate,category\n{rows}7ABC123,local\n")
    reasons = json.loads(build(department, "--json").stdout)["reasons"]
    assert (len(reasons), reasons["other reasons"], sum(reasons.values())) == (31, 70, 100)


def test_what_is_allowed_is_not_said_where_no_category_was_refused(department: Path) -> None:
    result = build(department)
    assert result.exit_code == 0, result.output
    assert "Allowed categories" not in result.output


def test_help_lists_the_categories_that_are_allowed_by_default(department: Path) -> None:
    shown = run(department, "build", "--help").output
    for name in DEFAULT_CATEGORIES:
        assert f"  {name}\n" in shown


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--refusals", "nowhere/refused.csv", "there is no folder"),
        ("--override-reason", "x" * 501, "1 to 500 characters"),
        ("--lifetime-hours", "nan", "give a number"),
        ("--lifetime-hours", "1e12", "not in the range"),
        ("--size-jump", "nan", "give a number"),
        ("--version", str(2**53), "not in the range"),
        ("--false-positive-rate", "1e-300", "not in the range"),
    ],
)
def test_what_no_list_can_have_is_refused_before_anything_is_read(
    department: Path, option: str, value: str, said: str
) -> None:
    result = build(department, option, value)
    assert result.exit_code == 2
    assert said in result.output
    assert not (department / "list.package").exists()


def test_keys_must_come_from_somewhere(department: Path) -> None:
    result = run(department, "build", "export.csv", "--output", "list.package")
    assert result.exit_code == 2
    assert "--fleet" in result.output


@pytest.mark.parametrize("command", ["inspect", "check"])
def test_a_fifo_is_no_package_and_not_waited_for(department: Path, command: str) -> None:
    os.mkfifo(department / "fifo.package")
    keys = ("--issuer-key", "verifying.pem", "--post-key", "unseal.pem") if command == "check" else ()
    result = run(department, command, "fifo.package", *keys)
    assert result.exit_code == 1
    assert "a FIFO, not a regular file" in str(result.exception or result.output)


def test_inspect_shows_the_facts_and_checks_the_signature(department: Path) -> None:
    build(department)
    result = run(department, "inspect", "list.package", "--issuer-key", "verifying.pem", "--json")
    facts = json.loads(result.stdout)
    assert (facts["entries"], len(facts["posts"]), facts["state"]) == (3, 1, "whole, signature good")
    result = run(department, "inspect", "list.package")
    assert result.exit_code == 0
    assert "signature not checked" in result.stdout


def test_inspect_fails_for_a_foreign_or_damaged_package(department: Path) -> None:
    build(department)
    (department / "other.pem").write_bytes(public_pem(new_key()))
    result = run(department, "inspect", "list.package", "--issuer-key", "other.pem", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["state"].startswith("bad_signature")
    path = department / "list.package"
    path.write_bytes(path.read_bytes()[:-10])
    result = run(department, "inspect", "list.package", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["state"].startswith("truncated")


@pytest.mark.parametrize("command", ["build", "inspect"])
def test_help_has_examples(department: Path, command: str) -> None:
    assert "platepost provision hotlist" in run(department, command, "--help").output
