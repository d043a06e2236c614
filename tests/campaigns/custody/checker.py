"""The checker: whether custody kept its promises, from what the broker delivered and what the posts have left.

It reads no keeper's store. A receipt counts if a custodian's own key signed it, its epoch is none that is over, and all
that it says was on the wire before it; from those that count the checker knows what a post may have deleted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey
from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.department.custody.holding import ChainName
from platepost.department.custody.post_statements import PostStatements, may_name_numbers
from platepost.department.custody.receipt_log import LostRange
from platepost.wire.errors import RefusedError
from platepost.wire.jose import open_signed_by
from platepost.wire.records import Read, Status
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.envelope import TYPES
from platepost.wire.records.receipt import RECEIPT_TYPE, KeptRange, Receipt
from platepost.wire.records.signing import ForeignKeyError, Keyring, SignatureRefusedError
from tests.campaigns.faults.storage_log import LoggedRecord

Mark = tuple[int, str]
"""Number and digest of a record."""


@dataclass(slots=True)
class _WireChain:
    """What was on the wire of one chain."""

    records: dict[int, dict[str, str]] = field(default_factory=dict)
    """By number: the digest of each record, and of the one before that it names."""
    gone: set[int] = field(default_factory=set)
    """Numbers that the post itself named as dropped or lost."""
    group: str | None = None
    """The distribution group of a covert chain."""


@dataclass(slots=True)
class _Signed:
    """What one custodian has signed for of one chain."""

    now: set[Mark] = field(default_factory=set)
    """In its present epoch."""
    ever: set[Mark] = field(default_factory=set)
    down_to: dict[Mark, int] = field(default_factory=dict)
    """By the last record of each range that was followed in this epoch: its first number."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What a post's outbox holds at the end."""

    numbers: Collection[int]
    """Of its open chain."""
    chain: str


class CustodyChecker:
    """Takes what was on the wire, in order.

    Args:
        custodians: the public keys by which each ever signed.
        posts: the record-signing keys of each post.
        added: custodians that posts were not given, and learn of later. A post needs their receipts for what follows
            in a chain after a status of its own that names them.

    """

    def __init__(
        self,
        custodians: Mapping[str, Sequence[ECKey]],
        posts: Mapping[str, Keyring],
        *,
        added: Collection[str],
    ) -> None:
        self._custodians = {name: [*keys] for name, keys in custodians.items()}
        self._added = added
        self._learned: dict[tuple[str, ChainName], int] = {}
        """By custodian that was added and chain: the number of the post's first status that names it."""
        self._statements = {post: PostStatements(keys) for post, keys in posts.items()}
        self._chains: dict[ChainName, _WireChain] = {}
        self._signed: dict[tuple[str, ChainName], _Signed] = {}
        self._epochs: dict[tuple[str, str], int] = {}
        self._renewed: set[str] = set()
        self.receipts = 0
        """Genuine ones of an epoch that was not over."""
        self.ignored = 0
        """Forged ones, and those of epochs that were over."""
        self.problems: list[str] = []

    def learn_key(self, custodian: str, key: ECKey) -> None:
        """Accept receipts signed by this key as the custodian's from now on, besides those by its former keys."""
        self._custodians[custodian].append(key)

    @property
    def renewed(self) -> tuple[str, ...]:
        """The custodians that signed a genuine receipt with the last key that they have, which is not their first."""
        return tuple(sorted(self._renewed))

    def has_learned(self, post: str, custodian: str) -> bool:
        """Tell whether a post has said that it knows a custodian that was added."""
        return any(name == custodian and chain.post == post for name, chain in self._learned)

    def feed(self, topic: str, body: bytes) -> None:
        """Take one message."""
        _, _, _, post, kind, *rest = (*topic.split("/"), "")
        if post not in self._statements:
            return
        if kind == "receipt":
            self._hear(post, rest[0], body)
        elif kind in {"read", "hit", "status", "audit", "covert"}:
            self._see(post, body, group=rest[0] if kind == "covert" else None)

    def lacking(self, post: str, stored: Iterable[LoggedRecord], required: Mapping[str, Collection[str]]) -> int:
        """Return how many of a post's records lack a receipt of the present epoch of one who must give it."""
        return sum(
            not all(self._is_signed(name, post, record, now=True) for name in self._needed(post, record, required))
            and not self._is_gone(post, record)
            for record in stored
        )

    def judge(
        self,
        post: str,
        stored: Iterable[LoggedRecord],
        *,
        required: Mapping[str, Collection[str]],
        left: LeftBehind | None = None,
        lost: Iterable[LostRange] = (),
    ) -> list[str]:
        """Return what is wrong with what came of a post's records.

        Args:
            post: the post.
            stored: what it was told is stored.
            required: the custodians whose receipts it needs, with the groups of each.
            left: what it still has; nothing if None.
            lost: what custodians named as receipted and not held.

        """
        wrong = []
        named = {(gap.chain, number) for gap in lost if gap.post == post for number in range(gap.first, gap.last + 1)}
        for record in stored:
            if self._is_gone(post, record):
                if record.type != TYPES[Read]:
                    wrong.append(f"{post}: number {record.sequence}, {record.type} is given up, and is not a read")
                continue
            if left is not None and record.chain == left.chain and record.sequence in left.numbers:
                continue
            what = f"{post}: number {record.sequence}, {record.type}"
            chain = self._chains.get(ChainName(post, record.chain), _WireChain())
            if record.digest not in chain.records.get(record.sequence, {}):
                wrong.append(f"{what} is deleted and never came")
            for name in self._needed(post, record, required):
                if not self._is_signed(name, post, record, now=False):
                    wrong.append(f"{what} is deleted without a receipt of {name}")
                elif not self._is_signed(name, post, record, now=True) and (record.chain, record.sequence) not in named:
                    wrong.append(f"{what} is not kept by {name} any more, and not named")
        return wrong

    # --- records

    def _see(self, post: str, body: bytes, *, group: str | None) -> None:
        try:
            event = parse(body)
            digest = digest_of(canonical_bytes(event))
        except RecordError:
            return
        if event.get("chain") is None:
            return
        chain = self._chains.setdefault(ChainName(post, event["chain"]), _WireChain(group=group))
        chain.records.setdefault(event["sequence"], {})[digest] = event["previous"]
        if event.get("type") == TYPES[Status]:
            for key in event["data"].get("keys", ()):
                if key.get("custodian") in self._added:
                    self._learned.setdefault((key["custodian"], ChainName(post, event["chain"])), event["sequence"])
        if may_name_numbers(event):
            self._note_gone(post, event)

    def _note_gone(self, post: str, event: dict[str, Any]) -> None:
        try:
            numbers = self._statements[post].add(event)
        except (ForeignKeyError, SignatureRefusedError):
            self.problems.append(f"{post}: number {event['sequence']} is not genuine")
            return
        if numbers is not None:
            gone = self._chains.setdefault(ChainName(post, numbers.chain), _WireChain()).gone
            gone.update(number for first, last in numbers.spans for number in range(first, last + 1))

    def _is_gone(self, post: str, record: LoggedRecord) -> bool:
        chain = self._chains.get(ChainName(post, record.chain))
        return chain is not None and record.sequence in chain.gone

    # --- receipts

    def _hear(self, post: str, custodian: str, body: bytes) -> None:
        try:
            signed, key = open_signed_by(body, typ=RECEIPT_TYPE, keys=self._custodians.get(custodian, ()))
            content = Receipt.model_validate_json(signed.payload, strict=True)
        except (RefusedError, ValidationError):
            self.ignored += 1
            return
        name = ChainName(content.post, content.chain)
        last = self._epochs.get((custodian, post), 0)
        if content.post != post or content.custodian != custodian or content.epoch < last:
            self.ignored += 1
            return
        if content.epoch > last:
            self._epochs[custodian, post] = content.epoch
            for (whose, chain), known in self._signed.items():
                if whose == custodian and chain.post == post:
                    known.now.clear()
                    known.down_to.clear()
        self.receipts += 1
        if len(keys := self._custodians[custodian]) > 1 and key.thumbprint() == keys[-1].thumbprint():
            self._renewed.add(custodian)
        known = self._signed.setdefault((custodian, name), _Signed())
        for kept in content.ranges:
            self._take(f"{custodian}, receipt {content.number} of epoch {content.epoch}", name, kept, known)

    def _take(self, who: str, name: ChainName, kept: KeptRange, known: _Signed) -> None:
        """Go back from a range's last record to its first by the hashes."""
        chain = self._chains.get(name, _WireChain())
        digest: str | None = kept.digest
        for number in range(kept.last, kept.first - 1, -1):
            records = chain.records.get(number, {})
            if digest is None:  # after numbers that were given up: the one record that there is
                digest = next(iter(records)) if len(records) == 1 else None
            if digest is None or digest not in records:
                if number not in chain.gone:
                    self.problems.append(f"{who}: number {number} of {name.post} was not on the wire")
                digest = None
                continue
            if known.down_to.get((number, digest), kept.first + 1) <= kept.first:
                break  # a range that ended here was followed down to there
            known.now.add((number, digest))
            known.ever.add((number, digest))
            digest = records[digest]
        known.down_to[kept.last, kept.digest] = kept.first

    def _needed(self, post: str, record: LoggedRecord, required: Mapping[str, Collection[str]]) -> list[str]:
        chain = self._chains.get(ChainName(post, record.chain))
        group = None if chain is None else chain.group
        if group is None:
            return [name for name in required if name not in self._added or self._follows(name, post, record)]
        return [name for name, groups in required.items() if group in groups]

    def _follows(self, custodian: str, post: str, record: LoggedRecord) -> bool:
        learned = self._learned.get((custodian, ChainName(post, record.chain)))
        return learned is not None and record.sequence > learned

    def _is_signed(self, custodian: str, post: str, record: LoggedRecord, *, now: bool) -> bool:
        known = self._signed.get((custodian, ChainName(post, record.chain)))
        return known is not None and (record.sequence, record.digest) in (known.now if now else known.ever)
