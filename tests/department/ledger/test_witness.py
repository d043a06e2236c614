"""Another department keeps checkpoints of a ledger, signs for them, and takes none that contradicts one before."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from platepost.department.ledger.errors import HeadError
from platepost.department.ledger.heads import noted_head, opened_head, sign_head
from platepost.department.ledger.witness import witness_head, witnessed_head
from platepost.wire.verify.noted_heads import NotedHead
from tests.department.ledger.asked import checkpoint
from tests.wire.test_monitor import proof, root

OWN, WITNESS, STRANGER = (ECKey.generate_key("P-256") for _ in range(3))
LEAVES = [b"%d" % number for number in range(20)]
FORKED = [*LEAVES[:3], b"another", *LEAVES[4:]]


def head(
    number: int,
    leaves: list[bytes] = LEAVES,
    *,
    after: int = 0,
    key: ECKey = OWN,
    **more: Any,
) -> bytes:
    tree = leaves[:number]
    path = tuple(each.hex() for each in proof(after, tree)) if 0 < after < number else ()
    fields = {"root": root(tree).hex(), "previous": (after, 0), "proof": path}
    return sign_head(checkpoint(NotedHead(number, "ab" * 32), **{**fields, **more}), key)


def witness(messages: Iterable[bytes], stored: Path) -> bytes:
    return witness_head(messages, stored, of=OWN, by=WITNESS, names=("oakdale", "vault"))[1]


def test_witnessed_checkpoint_is_known_by_the_witness_s_key(tmp_path: Path) -> None:
    first = head(14)
    signed = witness([first], tmp_path)
    assert witnessed_head(signed, [STRANGER, WITNESS]) == first
    assert noted_head(opened_head(first, OWN)) == NotedHead(14, "ab" * 32)
    assert witnessed_head(witness([first], tmp_path), [WITNESS]) == first, "asked again"
    second = head(15, after=14)
    last = head(20, after=15)
    assert witnessed_head(witness([second, last], tmp_path), [WITNESS]) == last
    assert len((tmp_path / "springfield.records").read_bytes().splitlines()) == 3
    for message, keys in ((signed, [STRANGER]), (first, [WITNESS]), (signed[:-4] + b"AAAA", [WITNESS])):
        with pytest.raises(HeadError, match="not an end that a known witness"):
            witnessed_head(message, keys)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (head(13), "14 entries of the access log were there, and now 13"),
        (head(14, FORKED), "the 14 entries of the access log are others than before"),
        (head(15, FORKED, after=14), "do not begin with the 14 that were there"),
        (head(15, FORKED, after=14, proof=()), "do not begin with the 14 that were there"),
        (head(15), "nothing here proves how 14 entries"),
        (head(15, after=14, key=STRANGER), "not as the custodian signs it"),
        (head(15, after=14, agency="oakdale"), "their own"),
    ],
)
def test_checkpoint_that_contradicts_the_one_before_is_not_signed(tmp_path: Path, message: bytes, why: str) -> None:
    """A fork whose numbers go on, too: each must prove that it adds to the one before."""
    witness([head(14)], tmp_path)
    with pytest.raises(HeadError, match=why):
        witness([message], tmp_path)
    assert len((tmp_path / "springfield.records").read_bytes().splitlines()) == 1


def test_nothing_is_signed_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="no checkpoint"):
        witness([], tmp_path)
