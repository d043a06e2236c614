import json
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.rows import SourceError
from platepost.wire.hotlist import HotListStore
from platepost.wire.hotlist.keys import TEST_PLATE

HEADER = "plate,state,category,priority,entered,expires,reference\n"
EXPORT = HEADER + "".join(f"T{number:05d},CA,local,,,,R{number}\n" for number in range(40))
PATTERNS = "pattern,category,case,author,expires\n6XY*,local,C-1,Sample,2099-01-01\n"


def again(folder: Path) -> tuple[str, ...]:
    """Name the partial plates and own vehicles of the first list once more."""
    return ("--patterns", str(folder / "patterns.csv"), "--safe-list", str(folder / "own.csv"))


class Office:
    """A department with one post, and the folder in which its people work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fleet = Fleet.create(folder / "fleet", agency="riverside")
        self.post = self.fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",), camera="footage"))
        self.store = HotListStore(
            folder / "held",
            agency="riverside",
            issuer_key=(self.post / "issuer_key.pem").read_bytes(),
            unseal_key=(self.post / "unseal_key.pem").read_bytes(),
        )

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def run(self, command: str, *arguments: str, output: str = "out.package") -> Result:
        common = ("--fleet", str(self.fleet.directory), "--output", str(self.folder / output), "--json")
        return CliRunner().invoke(hotlist, [command, *arguments, *common])

    def take(self, result: Result, output: str = "out.package") -> dict[str, Any]:
        """Let the post take what a command made, and return what it said."""
        assert result.exit_code == 0, result.output
        self.store.install((self.folder / output).read_bytes())
        said: dict[str, Any] = json.loads(result.stdout)
        return said

    def alarms(self, plate: str) -> bool:
        assert self.store.current is not None
        return bool(self.store.current.match(plate, at=self.store.current.built))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    arguments = (office.file("export.csv", EXPORT), "--patterns", office.file("patterns.csv", PATTERNS))
    office.take(office.run("build", *arguments, "--safe-list", office.file("own.csv", "plate\nOWN1234\n")))
    return office


def test_news_reach_the_post_and_what_was_wrong_with_them_is_said(office: Office) -> None:
    stolen = office.file("stolen.csv", HEADER + "9NEW111,CA,stolen_vehicle,,,,\nNONE,,local,,,,\n")
    recovered = office.file("recovered.csv", "plate\nT00003\nT99999\n\n?\n")
    result = office.run(
        "delta", "--add", stolen, "--remove", recovered, "--refusals", str(office.folder / "refused.csv")
    )
    said = office.take(result)
    assert (said["kind"], said["came"], said["went"], said["entries"], said["patterns"]) == ("delta", 1, 1, 42, 1)
    assert (said["additions"], said["removals"], said["posts"]) == (1, 1, 1)
    assert said["previous"]["version"] == said["base"]["version"] == said["version"] - 1
    assert [office.alarms(plate) for plate in ("9NEW111", "T00003", "T00004", "6XYZ")] == [1, 0, 1, 1]
    assert (office.folder / "refused.csv").read_text().splitlines()[1:] == [
        "recovered.csv,5,a partial plate: put it in the patterns file",
        "stolen.csv,3,a word for a missing plate",
        "recovered.csv,3,not on the list",
    ]


def test_a_complete_list_forgets_no_partial_plate_by_mistake(office: Office) -> None:
    export, own = office.file("export.csv", EXPORT), ("--safe-list", str(office.folder / "own.csv"))
    forgotten = office.run("build", export, *own)
    assert isinstance(forgotten.exception, SourceError)
    assert "has 1 active partial plates" in str(forgotten.exception)
    office.take(office.run("build", export, *again(office.folder)))
    assert office.alarms("6XYZ")
    none = office.file("none.csv", PATTERNS.splitlines()[0])
    assert office.take(office.run("build", export, "--patterns", none, *own))["patterns"] == 0
    assert not office.alarms("6XYZ")
    office.take(office.run("build", export, *own))


def test_a_complete_list_forgets_no_own_vehicle_by_mistake(office: Office) -> None:
    export, patterns = office.file("export.csv", EXPORT), ("--patterns", str(office.folder / "patterns.csv"))
    more = office.file("more.csv", "plate,expires\nOWN1234,\nOWN1235,\nOWN1236,2026-01-01\n")
    office.take(office.run("delta", "--safe-list", more, "--add", office.file("none.csv", HEADER)))
    forgotten = office.run("build", export, *patterns)
    assert isinstance(forgotten.exception, SourceError)
    assert "own vehicles of the list before: 2;" in str(forgotten.exception)
    none = office.file("none_own.csv", "plate\n")
    office.take(office.run("build", export, *patterns, "--safe-list", none, "--override-reason", "sold"))
    office.take(office.run("build", export, *patterns))


@pytest.mark.parametrize("command", ["build", "delta"])
def test_a_list_of_own_vehicles_that_are_all_refused_forgets_none_of_them(office: Office, command: str) -> None:
    export, patterns = office.file("export.csv", EXPORT), ("--patterns", str(office.folder / "patterns.csv"))
    own = office.file("own.csv", "plate,category\nOWN1234,patrol\n")
    result = office.run(command, export, *patterns, "--safe-list", own)
    assert isinstance(result.exception, SourceError)
    assert "no safe-list vehicle can be listed: category 'patrol' is not on the allow-list (1)" in str(result.exception)


def test_a_complete_list_says_what_it_does_to_the_news(office: Office) -> None:
    export = office.file("export.csv", EXPORT)
    stolen = office.file("stolen.csv", HEADER + "9NEW111,CA,stolen_vehicle,,,,\n9NEW112,CA,local,,,,\n")
    recovered = office.file("recovered.csv", "plate\nT00001\nT00002\n")
    office.take(office.run("delta", "--add", stolen, "--remove", recovered))
    # T00002 was stolen once more, under another reference: no entry that was removed.
    older = office.file("older.csv", EXPORT.replace("R2\n", "R2b\n") + "9NEW112,CA,local,,,,\n")
    result = office.run("build", older, *again(office.folder))
    said = office.take(result)
    assert (said["listed_again"], said["listed_no_more"]) == (1, 1)
    assert "older.csv, line 3: listed again" in result.stderr
    assert "no source has: 1" in result.stderr
    assert "listed_again" not in office.take(office.run("build", export, *again(office.folder)))


def test_a_delta_from_an_older_export_says_what_it_lists_again(office: Office) -> None:
    office.take(office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00001\n")))
    result = office.run("delta", office.file("export.csv", EXPORT))
    assert office.take(result)["listed_again"] == 1
    assert "export.csv, line 3: listed again" in result.stderr


def test_what_processes_find_of_the_news_is_put_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.provisioning.hotlist.export._ALONE", 0)
    stolen = office.file("stolen.csv", HEADER + "9NEW111,CA,local,,,,\n")
    office.take(office.run("delta", "--add", stolen, "--remove", office.file("recovered.csv", "plate\nT00001\n")))
    arguments = (office.file("export.csv", EXPORT), stolen, "--patterns", str(office.folder / "patterns.csv"))
    said = office.take(office.run("build", *arguments, "--jobs", "2", "--safe-list", str(office.folder / "own.csv")))
    assert (said["listed_again"], said["listed_no_more"]) == (1, 0)


def test_what_the_archive_does_not_take_is_not_handed_out(office: Office) -> None:
    export = office.file("export.csv", EXPORT)
    assert office.store.current is not None
    in_the_way = office.fleet.list_archive / f"{office.store.current.version + 1:016d}.part"
    (in_the_way / "folder").mkdir(parents=True)
    result = office.run("build", export, *again(office.folder), output="next.package")
    assert isinstance(result.exception, ProvisioningError)
    assert not (office.folder / "next.package").exists()
    assert len(list(office.fleet.list_archive.glob("*.complete"))) == 1


def test_a_base_that_is_named_brings_the_delta_that_the_fleet_has_on_it(office: Office) -> None:
    base = office.folder / "base.package"
    base.write_bytes((office.folder / "out.package").read_bytes())
    office.take(office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00001\n")))
    recovered = office.file("recovered.csv", "plate\nT00002\n")
    office.take(office.run("delta", "--remove", recovered, "--base", str(base)))
    assert [office.alarms(plate) for plate in ("T00001", "T00002", "T00003")] == [0, 0, 1]


def test_partial_plates_that_have_ended_need_not_be_given_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2099, 1, 2, tzinfo=tz)

    monkeypatch.setattr("platepost.provisioning.commands.hotlist.build.datetime", Later)
    own = ("--safe-list", str(office.folder / "own.csv"))
    assert office.run("build", office.file("export.csv", EXPORT), *own).exit_code == 0


def test_deltas_follow_one_another_and_a_complete_list_ends_them(office: Office) -> None:
    first = office.take(office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00001\n")))
    second = office.take(office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00002\n")))
    assert (second["version"], second["base"]) == (first["version"] + 1, first["base"])
    assert (second["went"], second["removals"]) == (1, 2)
    assert [path.suffix for path in sorted(office.fleet.list_archive.iterdir())] == [".complete", ".delta"]
    third = office.take(office.run("build", office.file("export.csv", EXPORT), *again(office.folder)))
    assert third["version"] == second["version"] + 1
    assert [path.suffix for path in sorted(office.fleet.list_archive.iterdir())] == [".complete", ".complete"]
    fourth = office.take(office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00001\n")))
    assert fourth["base"]["version"] == third["version"]


def test_a_post_that_was_away_when_the_list_grew_takes_what_is_built_later(office: Office, tmp_path: Path) -> None:
    county = HEADER + "".join(f"U{number:05d},CA,local,,,,\n" for number in range(30))
    reason = ("--override-reason", "the county's list came too")
    assert office.run("delta", "--add", office.file("county.csv", county), *reason).exit_code == 0
    news = office.file("stolen.csv", HEADER + "9NEW111,CA,stolen_vehicle,,,,\n")
    assert office.take(office.run("delta", "--add", news))["entries"] == 73
    away = HotListStore(
        tmp_path / "away",
        agency="riverside",
        issuer_key=(office.post / "issuer_key.pem").read_bytes(),
        unseal_key=(office.post / "unseal_key.pem").read_bytes(),
    )
    (first,) = (tmp_path / "held").glob("*.package")
    away.install(first.read_bytes())
    everything = office.file("all.csv", EXPORT + county.removeprefix(HEADER))
    built = office.run("build", everything, *again(tmp_path), output="next.package")
    assert office.take(built, "next.package")["entries"] == 72
    assert away.install((tmp_path / "next.package").read_bytes()).entries == 72
    shown = CliRunner().invoke(hotlist, ["inspect", str(tmp_path / "next.package")]).stdout
    assert "72 entries, for a reason" in shown


def test_a_fresh_export_is_compared_with_what_the_posts_hold(office: Office) -> None:
    changed = EXPORT.replace("T00007,CA,local", "T00007,CA,stolen_plate").replace("T00008", "T99998")
    said = office.take(office.run("delta", office.file("export.csv", changed)))
    assert (said["came"], said["went"], said["entries"]) == (2, 2, 42)
    assert [office.alarms(plate) for plate in ("T00007", "T00008", "T99998")] == [1, 0, 1]
    said = office.take(office.run("delta", office.file("export.csv", changed)))
    assert (said["came"], said["went"], said["removals"]) == (0, 0, 2)


def test_the_test_plate_is_on_every_list_unless_it_is_left_out(office: Office) -> None:
    assert office.alarms(TEST_PLATE)  # of the first list
    export = office.file("export.csv", EXPORT)
    same = office.take(office.run("delta", export))
    assert (same["test_plate_added"], same["came"], same["went"], office.alarms(TEST_PLATE)) == (True, 0, 0, True)
    recovered = office.take(office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00001\n")))
    assert (recovered["test_plate_added"], recovered["went"], office.alarms(TEST_PLATE)) == (False, 1, True)
    without = office.take(office.run("build", export, "--no-test-plate", *again(office.folder)))
    assert (without["test_plate_added"], without["entries"], office.alarms(TEST_PLATE)) == (False, 41, False)
    back = office.take(office.run("delta", export))
    assert (back["came"], back["went"], office.alarms(TEST_PLATE)) == (1, 0, True)
    complete = office.take(office.run("build", export, *again(office.folder)))
    assert (complete["entries"], complete["listed_no_more"], office.alarms(TEST_PLATE)) == (42, 0, True)


def test_a_source_may_have_the_test_plate_itself(office: Office) -> None:
    export = office.file("export.csv", EXPORT + f"{TEST_PLATE},,acceptance_test,,,,\n")
    built = office.take(office.run("build", export, *again(office.folder)))
    assert (built["entries"], built["duplicates"], office.alarms(TEST_PLATE)) == (42, 1, True)


def test_the_test_plate_alone_is_no_list(office: Office) -> None:
    result = office.run("build", office.file("export.csv", HEADER), "--patterns", office.file("p.csv", PATTERNS))
    assert isinstance(result.exception, SourceError)


def test_an_export_that_was_cut_off_is_refused_here_too(office: Office) -> None:
    result = office.run("delta", office.file("export.csv", EXPORT[: len(EXPORT) // 3]))
    assert "more than 30% apart" in str(result.exception)


def test_patterns_are_read_by_the_given_mapping_whatever_else_is_given(office: Office) -> None:
    vendor = office.file("vendor.toml", '[dates]\nformats = ["%m/%d/%Y"]\n[categories]\nEV = "stolen_vehicle"\n')
    other = office.file("other.csv", "pattern,category,case,author,expires\n7ZZ*,EV,C-2,Sample,12/31/2099\n")
    recovered = office.file("recovered.csv", "plate\nT00001\n")
    own = office.file("own.csv", "plate\nOWN5678\n")
    said = office.take(office.run("delta", "--remove", recovered, "--mapping", vendor, "--patterns", other))
    assert (said["patterns"], office.alarms("6XYZ"), office.alarms("7ZZ1")) == (1, 0, 1)
    patterns = office.file("patterns.csv", PATTERNS)
    said = office.take(office.run("delta", "--remove", recovered, "--safe-list", own, "--patterns", patterns))
    assert (said["patterns"], office.alarms("6XYZ"), office.alarms("7ZZ1")) == (1, 1, 0)


@pytest.mark.parametrize("command", ["build", "delta"])
def test_a_patterns_file_without_a_fit_entry_takes_no_pattern_away(office: Office, command: str) -> None:
    export, patterns = office.file("export.csv", EXPORT), office.file("p.csv", PATTERNS.replace("local", "other"))
    own = ("--safe-list", str(office.folder / "own.csv"))
    result = office.run(command, export, "--patterns", patterns, *own)
    assert isinstance(result.exception, SourceError)
    assert "no pattern can be listed: category 'other' is not on the allow-list (1). Allowed" in str(result.exception)
    partly = office.file("p.csv", PATTERNS + "7ZZ*,other,C-2,Sample,2099-01-01\n")
    assert office.take(office.run(command, export, "--patterns", partly, *own))["patterns"] == 1


@pytest.mark.parametrize("arguments", [(), ("export.csv", "--remove", "export.csv")])
def test_either_all_exports_or_the_news(office: Office, arguments: tuple[str, ...]) -> None:
    words = [str(office.folder / word) if word.endswith(".csv") else word for word in arguments]
    result = office.run("delta", *words)
    assert result.exit_code == 2
    assert "either all exports again" in result.output


def test_without_a_complete_list_there_is_no_delta(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    office = Office(tmp_path / "empty")
    result = office.run("delta", "--remove", office.file("recovered.csv", "plate\nT00001\n"))
    assert result.exit_code == 2
    assert "build one first" in result.output


def test_without_a_fleet_the_packages_and_the_key_are_named(office: Office) -> None:
    keys = ("--agency", "riverside", "--signing-key", str(office.fleet.list_signing_key))
    keys += ("--post-key", str(office.fleet.recipient_key("post-1")), "--output", str(office.folder / "out.package"))
    recovered = office.file("recovered.csv", "plate\nT00001\n")
    base = min(office.fleet.list_archive.iterdir())
    arguments = ["delta", "--remove", recovered, "--base", str(base), *keys]
    result = CliRunner().invoke(hotlist, arguments)
    assert result.exit_code == 2
    assert "--unseal-key" in result.output
    result = CliRunner().invoke(
        hotlist, [*arguments, "--unseal-key", str(office.fleet.list_decryption_key()), "--json"]
    )
    office.take(result)
    assert not office.alarms("T00001")


def test_help_has_examples(office: Office) -> None:
    assert "platepost provision hotlist delta" in office.run("delta", "--help").output
