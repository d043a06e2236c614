import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from device.records.canonical import dump
from device.records.cli import verify
from device.records.examples import ExampleSigner, example_records


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "post-1.pub.pem"
    path.write_bytes(ExampleSigner().public_pem)
    return str(path)


@pytest.fixture
def lines() -> list[bytes]:
    return [envelope.body + b"\n" for envelope in example_records(ExampleSigner()).values()]


def test_an_intact_archive_ends_with_status_0(tmp_path: Path, key: str, lines: list[bytes]) -> None:
    archive = tmp_path / "archive.jsonl"
    archive.write_bytes(b"".join(lines))
    result = CliRunner().invoke(verify, [str(archive), "--key", key, "--whole"])
    assert result.exit_code == 0
    assert "intact" in result.output


def test_the_first_problem_is_named_from_standard_input(key: str, lines: list[bytes]) -> None:
    del lines[2]
    lines[4] = lines[4].replace(b'"degraded"', b'"online"')
    result = CliRunner().invoke(verify, ["-", "--key", key], input=b"".join(lines))
    assert result.exit_code == 1
    assert "was changed" in result.output
    assert "number 3 is missing" in result.output


def test_json_tells_the_same(key: str, lines: list[bytes]) -> None:
    result = CliRunner().invoke(verify, ["-", "--key", key, "--json"], input=b"".join([*lines, lines[0]]))
    report = json.loads(result.output)
    assert result.exit_code == 1
    assert report["intact"] is False
    assert report["problems"][0]["kind"] == "repeated"


def test_nothing_is_no_proof(key: str) -> None:
    result = CliRunner().invoke(verify, ["-", "--key", key], input=b"\n")
    assert result.exit_code == 1
    assert "no records" in result.output


def test_redelivery_may_be_allowed(key: str, lines: list[bytes]) -> None:
    doubled = [dump(json.loads(line)) + b"\n" for line in lines for _ in range(2)]
    result = CliRunner().invoke(verify, ["-", "--key", key, "--redelivery"], input=b"".join(doubled))
    assert result.exit_code == 0
    assert "9 delivered again" in result.output
