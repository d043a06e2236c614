"""A post's custody, and what must be true of it whatever it hears on the topics of receipts."""

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from platepost.device.control import Rejection
from platepost.wire.contract.schema import payload_schema
from platepost.wire.faults import Fault
from platepost.wire.records import RECEIPT_TYPE, new_identifier
from tests.device.control.keys.clerk import pem
from tests.device.custody.bench import SOURCE, Bench
from tests.device.outbox.inside import execute
from tests.fuzz.ear import Listening
from tests.fuzz.key_ear import signed_by, verifies
from tests.fuzz.messages import HEADER_NAMES, TEXT, broken, mangle, mostly, payloads

RECEIPT = Draft202012Validator(payload_schema("receipt"))
REASONS = {reason.value for reason in Rejection}
LARGEST = 16 * 1024
"""Bytes of the largest receipt, as the contract says."""
CUSTODIANS = st.sampled_from(["records"] * 40 + ["archive", "records/x", "", "a" * 500])


@dataclass
class ReceiptEar:
    """Hears messages on the topics of receipts; custody goes on from message to message, and over a restart."""

    folder: Path
    outcomes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.bench = Bench(self.folder)
        self.own: dict[int, str] = {}
        """The digest of every record that the post made."""
        self.acknowledged: set[int] = set()
        """Numbers that a broker acknowledged."""
        self.kept: set[int] = set()
        """Numbers of the post's that genuine receipts of the present epoch cover."""
        self.epoch = 0
        self.told: Counter[str] = Counter()
        self.refused: list[str] = []
        self._listen()
        self.work(2, deliver=True)
        self.hear(self.bench.receipt(epoch=5), "records", retained=False)

    @property
    def chain(self) -> str:
        chain = self.bench.outbox.head.chain
        assert chain is not None
        return chain

    def work(self, count: int, *, deliver: bool) -> None:
        """Make records, and have a broker acknowledge what waits."""
        self.bench.record(count)
        self._look()
        if deliver:
            self._count(self.bench.deliver())
            self.acknowledged |= set(self.own)
            assert self._here() == set(self.own) - self.kept, (
                "what is signed for goes when a broker has acknowledged it"
            )

    def hear(self, message: bytes, custodian: str, *, retained: bool) -> None:
        """Hear a message, and hold what it came to against what it may come to."""
        refused, before, known = len(self.refused), self._here(), self._known()
        self.bench.bring(message, custodian=custodian, retained=retained)
        why = self.refused[refused:]
        gone = before - self._here()
        self._look()
        if why:
            assert len(why) == 1
            assert why[0] in REASONS
            assert not gone, "what is refused releases nothing"
            self.outcomes[f"receipt {why[0]}"] += 1
            return
        said = self._allowed(message, custodian, retained=retained)
        forked = self._contradicts(said, known)
        if said["epoch"] > self.epoch:
            self.epoch, self.kept = said["epoch"], self.kept - before
        if said["chain"] == self.chain and not forked:
            for kept in said["ranges"]:
                if self.own.get(kept["last"]) == kept["digest"]:
                    self.kept |= {number for number in self.own if kept["first"] <= number <= kept["last"]}
        assert gone <= self.acknowledged & self.kept
        assert not (gone and forked), "what contradicts the post's own releases nothing"
        assert not forked or Fault.CUSTODY_FORKED in self.bench.custody.faults(), "and is named"
        self.outcomes["receipt forked" if forked else "receipt released" if gone else "receipt taken"] += 1

    def end(self) -> None:
        """Start the post again: what it has stays, and every refusal has been told or counted."""
        self.bench.logbook.rate_limited.flush()
        self._count(self.bench.outbox.next(1000))
        assert self.told == Counter(self.refused)
        here = self._here()
        self.bench.restart()
        self._listen()
        self._look()
        assert self._here() == here
        self.bench.bring(self.bench.receipt(epoch=self.epoch - 1))
        assert self.refused[-1] == "lower_epoch", "the highest epoch is on the disk"

    # --- judging again, by other means

    def _allowed(self, message: bytes, custodian: str, *, retained: bool) -> dict[str, Any]:
        assert verifies(message, pem(self.bench.clerk.key("records")))
        header, said = (_read(part) for part in message.split(b".")[:2])
        assert (header["alg"], header["typ"]) == ("ES256", RECEIPT_TYPE)
        assert list(RECEIPT.iter_errors(said)) == []
        assert (said["agency"], said["post"], said["custodian"]) == (SOURCE.agency, SOURCE.post, custodian)
        assert custodian == "records"
        assert said["epoch"] >= self.epoch
        numbers = [number for kept in said["ranges"] for number in (kept["first"], kept["last"])]
        assert numbers == sorted(numbers)
        assert len(message) <= LARGEST
        assert not retained
        return said

    def _contradicts(self, said: dict[str, Any], known: set[int]) -> bool:
        """Say whether a receipt names what this post has not made, as far as it knows."""
        if said["chain"] != self.chain:
            return False
        highest = max(self.own)
        return any(
            kept["last"] > highest or (kept["last"] in known and self.own[kept["last"]] != kept["digest"])
            for kept in said["ranges"]
        )

    # --- within

    def _listen(self) -> None:
        logbook = self.bench.logbook
        audit = logbook.rate_limited = Listening(logbook.audit, clock=logbook.clock)
        audit.reasons = self.refused

    def _here(self) -> set[int]:
        return {number for (number,) in execute(self.bench.outbox, "SELECT sequence FROM record")}

    def _known(self) -> set[int]:
        """Return the numbers whose digests the post has: of what is here, and of some that it let go."""
        return self._here() | {number for (number,) in execute(self.bench.outbox, "SELECT number FROM released")}

    def _look(self) -> None:
        self.own |= dict(execute(self.bench.outbox, "SELECT sequence, digest FROM record"))

    def _count(self, records: Any) -> None:
        for data in (json.loads(record.body)["data"] for record in records):
            if data.get("action") == "receipt_refused":
                counted = data.get("details", {}).get("counted")
                self.told.update(counted if data["reason"] == "repeated" else [data["reason"]])


def _read(part: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs), "a member twice"
        return dict(pairs)

    def never(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(base64.urlsafe_b64decode(part + b"=="), object_pairs_hook=once, parse_constant=never)


def messages(ear: ReceiptEar) -> st.SearchStrategy[bytes]:
    """Return messages, most of them signed by the custodian, about numbers that the post has and others."""
    right = _receipts(ear, st.just("records"))
    return mostly(
        right,
        _receipts(ear, st.sampled_from(["root", "archive", "stranger"])),
        right.flatmap(mangle),
        st.binary(max_size=200) | st.just(b"A" * (LARGEST + 1)),
    )


@st.composite
def _receipts(draw: Any, ear: ReceiptEar, signers: Any) -> bytes:
    good = st.fixed_dictionaries(
        {
            "agency": st.just(SOURCE.agency),
            "post": st.just(SOURCE.post),
            "custodian": st.just("records"),
            "epoch": st.sampled_from([0, 0, 0, 1, -1]).map(lambda ahead: ear.epoch + ahead),
            "number": st.integers(1, 1000),
            "time": st.just("2026-03-01T12:00:00.000Z"),
            "chain": st.sampled_from([ear.chain] * 9 + [new_identifier()]),
            "ranges": _ranges(ear),
        }
    )
    header: Any = {"alg": "ES256", "typ": RECEIPT_TYPE}
    if draw(st.integers(0, 11)) == 11:
        header = draw(broken(header, HEADER_NAMES | TEXT))
    return signed_by(ear.bench.clerk, header, draw(payloads(good)), draw(signers))


@st.composite
def _ranges(draw: Any, ear: ReceiptEar) -> list[dict[str, Any]]:
    """Return ranges: in order and with the post's own digests, or crossing, too many, huge, of other records."""
    # What is drawn must not depend on how many records there are, which the clock decides, too.
    highest = max(ear.own)
    how = draw(st.integers(0, 19))
    if how == 19:
        many = draw(st.sampled_from([64, 65, 500]))
        return [_range(ear, number, number) for number in range(1, many + 1)]
    numbers = [1 + number % highest for number in draw(st.lists(st.integers(0, 999), max_size=6))]
    if how < 17:
        numbers = sorted({*numbers})
    ranges = [_range(ear, first, last) for first, last in zip(numbers[::2], numbers[1::2], strict=False)]
    if draw(st.integers(0, 9)) == 9:
        edge = draw(st.sampled_from([0, -1, highest + 1, 2**53 - 1, 2**53, 2**63, 2**64]))
        ranges.append(draw(st.sampled_from([_range(ear, 1, edge), _range(ear, edge, highest)])))
    if draw(st.integers(0, 5)) == 5:
        place, digest = draw(st.integers(0, 11)), draw(st.sampled_from(["0" * 64, ear.own[1], "7ABC123"]))
        for spoiled in ranges[place % len(ranges) :][:1] if ranges else ():
            spoiled["digest"] = digest
    return ranges


def _range(ear: ReceiptEar, first: int, last: int) -> dict[str, Any]:
    return {"first": first, "last": last, "digest": ear.own.get(last, "0" * 64)}
