"""Receipts as a post hears them, good and hostile, each with what comes of it: for anyone who writes a custodian."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from platepost.wire.contract.examples import BEGAN, SOURCE, ExampleSigner
from platepost.wire.records.canonical import dump
from platepost.wire.records.envelope import Envelope
from platepost.wire.records.receipt import MOST_RANGES, RECEIPT_TYPE

CUSTODIAN = "records"
KEYS = {
    name: ExampleSigner(f"{name}: key of an example custodian".encode())
    for name in ("in_force", "former", "retired", "revoked")
}
"""The keys of an invented custodian, by what has become of each."""
EPOCH = 3
"""The highest epoch of the custodian that the post has heard of."""


def receipt_vectors(examples: Mapping[str, Envelope]) -> dict[str, Any]:
    """Return the vectors for a post that made `examples`: its chain is theirs."""
    chain = {example.sequence: example for example in examples.values() if example.sequence is not None}
    last = max(chain)
    whole = _said(chain, [(1, last)])
    cases = [
        _case("the whole chain", whole, "taken"),
        _case("two ranges and a gap", _said(chain, [(1, 2), (4, last)]), "taken"),
        _case("nothing is held yet", _said(chain, []), "taken"),
        _case("signed with the former key, which is accepted still", whole, "taken", by="former"),
        _case("the digest of another record", _changed(whole, digest=chain[last - 1].digest), "forked"),
        _case("numbers beyond the post's last", _changed(whole, last=last + 1), "forked"),
        _case("a type of something else", whole, "malformed", typ="platepost-keys+jws"),
        _case("for another post", whole | {"post": "post-2"}, "other_post"),
        _case("for another agency", whole | {"agency": "lakeside"}, "foreign_agency"),
        _case("in another custodian's name", whole | {"custodian": "archive"}, "other_custodian"),
        _case("on the topic of a custodian that the post does not know", whole, "unknown_custodian", topic="archive"),
        _case("ranges that overlap", _said(chain, [(1, 3), (3, last)]), "malformed"),
        _case("ranges in descending order", _said(chain, [(4, last), (1, 2)]), "malformed"),
        _case("more ranges than one receipt may have", _many(whole), "malformed"),
        _case("a member that is not known", whole | {"verdict": "genuine"}, "malformed"),
        _case("a member that is null", whole | {"ranges": None}, "malformed"),
        _case("of an epoch that is over", whole | {"epoch": EPOCH - 1}, "lower_epoch"),
        _case("retained", whole, "retained", retained=True),
        _case("signed with a retired key", whole, "retired_key", by="retired"),
        _case("signed with a revoked key", whole, "revoked_key", by="revoked"),
        _case("signed with no one's key", whole, "bad_signature", by=None),
        _case("another's signature", whole, "bad_signature", signature_of=_said(chain, [])),
        _case("no signature", whole, "unsigned", signature_of={}),
    ]
    return {
        "agency": SOURCE.agency,
        "post": SOURCE.post,
        "custodian": CUSTODIAN,
        "epoch": EPOCH,
        "keys": {name: signer.public_pem.decode() for name, signer in sorted(KEYS.items())},
        "cases": cases,
    }


def _said(chain: Mapping[int, Envelope], ranges: list[tuple[int, int]]) -> dict[str, Any]:
    return {
        "agency": SOURCE.agency,
        "post": SOURCE.post,
        "custodian": CUSTODIAN,
        "epoch": EPOCH,
        "number": 12,
        "time": f"{BEGAN + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}.000Z",
        "chain": chain[1].event["chain"],
        "ranges": [{"first": first, "last": last, "digest": chain[last].digest} for first, last in ranges],
    }


def _changed(content: dict[str, Any], **members: Any) -> dict[str, Any]:
    return content | {"ranges": [content["ranges"][0] | members]}


def _many(content: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(b"any record").hexdigest()
    ranges = [{"first": 2 * number, "last": 2 * number, "digest": digest} for number in range(1, MOST_RANGES + 2)]
    return content | {"ranges": ranges}


def _case(
    name: str,
    content: dict[str, Any],
    verdict: str,
    *,
    by: str | None = "in_force",
    typ: str = RECEIPT_TYPE,
    topic: str = CUSTODIAN,
    retained: bool = False,
    signature_of: dict[str, Any] | None = None,
) -> dict[str, Any]:
    signer = ExampleSigner() if by is None else KEYS[by]
    message = signer.compact(dump(content), typ=typ)
    if signature_of is not None:
        head, _, _ = message.rpartition(".")
        signature = signer.compact(dump(signature_of), typ=typ).rpartition(".")[2] if signature_of else ""
        message = f"{head}.{signature}"
    return {
        "name": name,
        "topic": SOURCE.receipt(topic),
        "retained": retained,
        "message": message,
        "payload": content,
        "verdict": verdict,
    }
