"""Another department keeps ends of a ledger, signs for them, and takes none that contradicts one before."""

from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from platepost.department.ledger.errors import HeadError
from platepost.department.ledger.heads import noted_head, opened_head, sign_head
from platepost.department.ledger.witness import witness_head, witnessed_head
from platepost.wire.verify.noted import NotedHead

OWN, WITNESS, STRANGER = (ECKey.generate_key("P-256") for _ in range(3))


def head(number: int, digest: str = "ab", *, agency: str = "springfield", key: ECKey = OWN) -> bytes:
    return sign_head(NotedHead(number, digest * 32), key, agency=agency, custodian="records")


def witness(message: bytes, kept: Path) -> bytes:
    return witness_head(message, kept, of=OWN, by=WITNESS, names=("oakdale", "vault"))[1]


def test_witnessed_end_is_known_by_the_witness_s_key(tmp_path: Path) -> None:
    first = head(14)
    signed = witness(first, tmp_path)
    assert witnessed_head(signed, [STRANGER, WITNESS]) == first
    assert noted_head(opened_head(first, OWN)) == NotedHead(14, "ab" * 32)
    assert witnessed_head(witness(first, tmp_path), [WITNESS]) == first, "asked again"
    witness(head(20), tmp_path)
    assert len((tmp_path / "springfield.records").read_bytes().splitlines()) == 2
    for message, keys in ((signed, [STRANGER]), (first, [WITNESS]), (signed[:-4] + b"AAAA", [WITNESS])):
        with pytest.raises(HeadError, match="not an end that a known witness"):
            witnessed_head(message, keys)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (head(13), "14 of springfield was witnessed: 13 is older"),
        (head(14, "cd"), "14 of springfield was another"),
        (head(15, key=STRANGER), "not as the custodian signs it"),
        (head(15, agency="oakdale"), "their own"),
    ],
)
def test_end_that_contradicts_the_one_before_is_not_signed(tmp_path: Path, message: bytes, why: str) -> None:
    witness(head(14), tmp_path)
    with pytest.raises(HeadError, match=why):
        witness(message, tmp_path)
    assert len((tmp_path / "springfield.records").read_bytes().splitlines()) == 1
