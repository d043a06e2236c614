import json
import os
import tracemalloc
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from platepost.wire.contract.examples import BEGAN, ExampleSigner, MemoryStore, example_audit, example_records
from platepost.wire.records import Recorder, Source
from platepost.wire.records.canonical import dump
from platepost.wire.records.settings import LARGEST_RECORD
from platepost.wire.records.signing import KeyRefusedError
from platepost.wire.verify.cli import verify


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
    last = max(json.loads(line).get("sequence", 0) for line in lines)
    told = result.output.splitlines()[-1]
    assert told == f"intact from number 1 to {last}; whether anything came after {last} a chain cannot tell"


def test_a_beginning_that_is_not_there_is_told(key: str, lines: list[bytes]) -> None:
    kept = [line for line in lines if json.loads(line).get("sequence", 99) > 3]
    result = CliRunner().invoke(verify, ["-", "--key", key], input=b"".join(kept))
    assert result.exit_code == 0
    assert "intact from number 4 to" in result.output
    assert "numbers 1 to 3 are not among them" in result.output


def test_records_outside_any_chain_prove_no_wholeness(key: str, lines: list[bytes]) -> None:
    kept = [line for line in lines if "sequence" not in json.loads(line)]
    result = CliRunner().invoke(verify, ["-", "--key", key], input=b"".join(kept))
    assert result.exit_code == 0
    assert "intact" not in result.output
    assert "it is unknown whether one is missing" in result.output


def test_the_first_problem_is_named_from_standard_input(key: str, lines: list[bytes]) -> None:
    del lines[2]
    lines[4] = lines[4].replace(b'"degraded"', b'"online"')
    result = CliRunner().invoke(verify, ["-", "--key", key], input=b"".join(lines))
    assert result.exit_code == 1
    changed, missing = result.output.splitlines()[-2:]
    assert changed.endswith("was changed: its content and its signature do not belong together")
    assert missing == "  also: number 3 is missing"


def test_what_a_record_says_of_itself_poses_as_no_other_line(key: str, lines: list[bytes]) -> None:
    event = json.loads(lines[0]) | {"id": "x\n\x1b[32mchain 1: intact from number 1 to 7"}
    given = b"".join([json.dumps(event).encode() + b"\n", *lines[1:]])
    result = CliRunner().invoke(verify, ["-", "--key", key], input=given)
    assert result.exit_code == 1
    assert not any(line.startswith("chain 1: intact") for line in result.stdout.splitlines())
    assert "\\n\\x1b[32mchain 1: intact" in result.stdout


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
    result = CliRunner().invoke(verify, ["-", "--key", key, "--json"], input=b"\n")
    assert (result.exit_code, json.loads(result.output)["intact"]) == (1, False)


def test_redelivery_may_be_allowed(key: str, lines: list[bytes]) -> None:
    doubled = [dump(json.loads(line)) + b"\n" for line in lines for _ in range(2)]
    result = CliRunner().invoke(verify, ["-", "--key", key, "--redelivery"], input=b"".join(doubled))
    assert result.exit_code == 0
    assert "11 delivered again" in result.output


def test_former_key_of_a_post_is_nobody_s_name(tmp_path: Path) -> None:
    """Its file is named as a person's is; what posts tell of people is signed with it all the same."""
    store = MemoryStore("018f2b6c-0000-7000-8000-000000000001")
    recorder = Recorder(store, ExampleSigner(), Source("demo", "post-1"), now=lambda: BEGAN)
    told = example_audit("command_executed", identity="r-alvarez")
    (tmp_path / "archive.jsonl").write_bytes(dump(recorder.record(told).event))
    (tmp_path / f"post-1.{ExampleSigner().kid[:12]}.pem").write_bytes(ExampleSigner().public_pem)

    result = CliRunner().invoke(verify, [str(tmp_path / "archive.jsonl"), "--key", str(tmp_path)])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("filler", [b"x", b" "])
def test_a_line_longer_than_any_record_is_named_and_not_held(
    tmp_path: Path, key: str, lines: list[bytes], filler: bytes
) -> None:
    archive = tmp_path / "archive.jsonl"
    with archive.open("wb") as file:
        file.write(lines[0])
        for _ in range(64):
            file.write(filler * 2**20)
        file.write(b"\n" + b"".join(lines[1:]))
    tracemalloc.start()
    result = CliRunner().invoke(verify, [str(archive), "--key", key, "--whole"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.exit_code == 1
    told = f"first: a record (record 2 of the input) is not a record: longer than the {LARGEST_RECORD} bytes"
    assert told in result.output
    assert "also" not in result.output
    assert most < 16 * 2**20


def test_a_fifo_that_is_named_is_a_stream(tmp_path: Path, key: str, lines: list[bytes]) -> None:
    fifo = tmp_path / "records"
    os.mkfifo(fifo)
    Thread(target=fifo.write_bytes, args=(b"".join(lines),), daemon=True).start()
    result = CliRunner().invoke(verify, [str(fifo), "--key", key, "--whole"])
    assert result.exit_code == 0, result.output


def test_files_that_are_something_else_are_named_as_such(tmp_path: Path, key: str) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("This is text.\n", encoding="utf-8")
    result = CliRunner().invoke(verify, [str(letter), "--key", key])
    assert "first: a record (record 1 of the input) is not a record: Expecting value" in result.output
    with pytest.raises(KeyRefusedError, match=r"letter\.txt: not a PEM key"):
        CliRunner().invoke(verify, [str(letter), "--key", str(letter)], catch_exceptions=False)
