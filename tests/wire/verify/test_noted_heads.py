import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platepost.common.errors import RecordError
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.records.canonical import canonical_bytes, digest_of
from platepost.wire.verify.cli import verify
from platepost.wire.verify.noted_heads import NotedHead


def digest(line: bytes) -> str:
    return digest_of(canonical_bytes(json.loads(line)))


class Archive:
    """A post's records, by their numbers."""

    def __init__(self, folder: Path) -> None:
        self.path, self.key = folder / "archive.jsonl", folder / "post-1.pub.pem"
        self.key.write_bytes(ExampleSigner().public_pem)
        made = (envelope.body for envelope in example_records(ExampleSigner()).values())
        self.lines = {json.loads(line)["sequence"]: line for line in made if "sequence" in json.loads(line)}
        self.last = max(self.lines)

    def head(self, sequence: int, digits: int = 64) -> str:
        return f"{sequence}:{digest(self.lines[sequence])[:digits]}"

    def verify(self, *heads: str, upto: int | None = None, more: tuple[str, ...] = ()) -> Result:
        kept = [self.lines[number] for number in range(1, (upto or self.last) + 1)]
        self.path.write_bytes(b"\n".join(kept) + b"\n")
        words = [word for head in heads for word in ("--head", head)]
        return CliRunner().invoke(verify, [str(self.path), "--key", str(self.key), "--whole", *words, *more])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_a_log_that_goes_on_from_what_was_noted_is_good(archive: Archive) -> None:
    result = archive.verify(archive.head(2), archive.head(archive.last, digits=32))
    assert result.exit_code == 0, result.output
    assert f"what was noted of its end is in it: number 2, {archive.last}" in result.output


def test_a_log_whose_end_was_cut_off_is_found_by_what_was_noted_alone(archive: Archive) -> None:
    noted, cut = archive.head(archive.last), archive.last - 1
    assert archive.verify(upto=cut).exit_code == 0, "the chain itself cannot tell"
    assert archive.verify(archive.head(1), upto=cut).exit_code == 0
    result = archive.verify(archive.head(1), noted, upto=cut)
    assert result.exit_code == 1
    assert f"first: the noted end {noted} is not among them: there is no such number" in result.output
    report = json.loads(archive.verify(noted, upto=cut, more=("--json",)).output)
    assert (report["intact"], report["problems"][0]["kind"]) == (False, "missing")


def test_a_log_that_grew_again_after_it_was_cut_is_found(archive: Archive) -> None:
    other = f"{archive.last}:{digest(archive.lines[1])}"
    result = archive.verify(other)
    assert result.exit_code == 1
    assert "another record has that number" in result.output


@pytest.mark.parametrize("text", ["", "14", "0:" + "a" * 64, "14:" + "a" * 31, "14:" + "g" * 64, "14:" + "a" * 65])
def test_what_cannot_have_been_noted_is_refused(archive: Archive, text: str) -> None:
    with pytest.raises(RecordError, match="NUMBER:DIGEST"):
        NotedHead.read(text)
    assert archive.verify(text).exit_code == 2
