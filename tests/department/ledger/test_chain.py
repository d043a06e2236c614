"""How an entry is bound to its fields and to the entry before it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from platepost.department.ledger.chain import GENESIS, LedgerLine, commitment, digest_of_line

LINE = LedgerLine(
    number=1,
    entry=UUID("a3bb189e-8bf9-3888-9912-ace4e6543002"),
    at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
    event="intent",
    retention="access",
    refers_to=None,
    commitments={"purpose": commitment(bytes(16), "purpose", '"stolen vehicle"')},
    previous=GENESIS,
    digest=b"",
)


def test_commitment_covers_salt_field_and_value() -> None:
    created = {
        commitment(bytes(16), "case", '"12"'),
        commitment(bytes(15) + b"\1", "case", '"12"'),
        commitment(bytes(16), "cases", '"12"'),
        commitment(bytes(16), "case", '"13"'),
    }
    assert len(created) == 4


def test_digest_covers_each_part_of_an_entry() -> None:
    changed = [
        replace(LINE, number=2),
        replace(LINE, entry=UUID(int=1)),
        replace(LINE, at=LINE.at.replace(microsecond=6)),
        replace(LINE, event="shown"),
        replace(LINE, retention="permanent"),
        replace(LINE, refers_to=UUID(int=1)),
        replace(LINE, commitments={}),
        replace(LINE, previous=bytes(31) + b"\1"),
    ]
    assert len({digest_of_line(line) for line in [LINE, *changed]}) == 9


def test_time_is_written_in_full_whatever_it_is() -> None:
    """A whole second has six digits too."""
    assert digest_of_line(replace(LINE, at=datetime(2026, 3, 1, tzinfo=UTC))).hex() == (
        digest_of_line(replace(LINE, at=datetime.fromisoformat("2026-02-28T16:00:00-08:00"))).hex()
    )


def test_documented_example_verifies() -> None:
    """A verifier written from the document alone must come to what the document says."""
    text = (Path(__file__).parents[3] / "docs" / "ledger-format.md").read_text("utf-8")
    begin = text.index('{"number":1,')
    example = [json.loads(line) for line in text[begin : text.index("```", begin)].splitlines()]
    entries = [fields for fields in example if "number" in fields]
    assert [fields["number"] for fields in entries] == [1, 2]
    previous = GENESIS.hex()
    for fields in entries:
        line = LedgerLine(
            fields["number"],
            UUID(fields["entry"]),
            datetime.fromisoformat(fields["at"]),
            fields["event"],
            fields["class"],
            UUID(fields["refers_to"]) if fields["refers_to"] else None,
            fields["commitments"],
            bytes.fromhex(fields["previous"]),
            bytes.fromhex(fields["digest"]),
        )
        assert fields["previous"] == previous
        assert digest_of_line(line) == line.digest
        previous = fields["digest"]
        bodies = [body for body in example if "field" in body and body["entry"] == fields["entry"]]
        assert {body["field"] for body in bodies} == set(fields["commitments"])
        for body in bodies:
            message = commitment(bytes.fromhex(body["salt"]), body["field"], body["value"])
            assert message == fields["commitments"][body["field"]]
