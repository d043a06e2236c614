import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from platepost.simulator.cli import simulate
from platepost.simulator.errors import StuckError
from platepost.simulator.scenario.load import find, shipped
from platepost.simulator.scenario.runner import RunOptions, run_one


def test_the_shipped_ones_are_listed() -> None:
    result = CliRunner().invoke(simulate, ["scenarios", "--json"])
    assert result.exit_code == 0
    assert [row["scenario"] for row in json.loads(result.stdout)] == [path.stem for path in shipped()]
    table = CliRunner().invoke(simulate, ["scenarios"]).stdout
    assert "week_without_network" in table
    assert "7 days" in table


def test_a_wrong_file_is_told_with_exit_code_2(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('title = "x"\npromse = "y"\n', encoding="utf-8")
    result = CliRunner().invoke(simulate, ["run", str(wrong)])
    assert result.exit_code == 2
    assert f"{wrong}:2: promse: unknown key" in result.stderr


@pytest.mark.parametrize("option", ["--report", "--junit", "--keep"])
def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_played(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(simulate, ["run", "tamper", option, str(tmp_path / "file" / "out" / "junit.xml")])
    assert result.exit_code == 2
    assert "file/out: cannot be written" in result.stderr.replace("/junit.xml", "")
    assert "tamper" not in result.output.replace(str(tmp_path), "")


def test_a_disk_that_is_full_is_told_by_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platepost.simulator.scenario.runner.run_all", lambda *_, **__: iter(()))
    result = CliRunner().invoke(simulate, ["run", "tamper", "--junit", "/dev/full"])
    assert result.exit_code == 2
    assert "/dev/full: cannot be written (No space left on device)" in result.stderr


def test_what_cannot_be_kept_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stuck(*_: object, **__: object) -> None:
        raise StuckError("post-1 does not end")

    monkeypatch.setattr("platepost.simulator.scenario.runner.play", stuck)
    (tmp_path / "file").touch()
    outcome = run_one(find("tamper"), RunOptions(keep=tmp_path / "file"))
    assert outcome.failures == ("post-1 does not end",)


def test_a_name_that_does_not_ship_is_told_with_what_is_near() -> None:
    result = CliRunner().invoke(simulate, ["run", "tampr"])
    assert result.exit_code == 2
    assert "did you mean tamper?" in result.stderr


def test_nothing_to_run_is_an_error() -> None:
    result = CliRunner().invoke(simulate, ["run"])
    assert result.exit_code == 2
    assert "--all" in result.stderr


def test_the_schema_accepts_what_ships() -> None:
    schema = json.loads(CliRunner().invoke(simulate, ["scenarios", "--schema"]).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in shipped():
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        validator.validate(table | {"begins": table["begins"].isoformat()})
