"""The verifier: proves of a stream or an archive of records that none is missing, changed, made up or repeated.

What it needs is public: the records and the post's public key. Pictures may have been dropped on the way; sequence
numbers that the post itself says it dropped (a signed `records_dropped`) are told apart from those that are missing.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from joserfc.errors import BadSignatureError

from platepost.common.errors import RecordError
from platepost.wire.records.audit import Audit
from platepost.wire.records.base import read_known
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.command import Response
from platepost.wire.records.envelope import EVENTS, TYPES
from platepost.wire.records.health import Health
from platepost.wire.records.parts import pictures_match
from platepost.wire.records.settings import LARGEST_RECORD
from platepost.wire.records.signing import ForeignKeyError, KeyRefusedError, Keyring, SignatureRefusedError, signed_by
from platepost.wire.records.status import Status
from platepost.wire.verify.chains import Chain, Link, Range
from platepost.wire.verify.noted_heads import NotedHead, missing_heads
from platepost.wire.verify.trust import Change, Naming, Trust
from platepost.wire.verify.verdict import ChainReport, Problem, ProblemKind, Report

__all__ = ["ChainReport", "Problem", "ProblemKind", "Report", "Verifier"]


_CHAINED = frozenset(TYPES.values()) - {TYPES[Status], TYPES[Health], TYPES[Response]}
"""Kinds that are never outside the chain. Of one that newer software made no one here knows."""
UNKNOWN_MOST = 4096
"""Records of keys not yet known that are kept, in case that a later record vouches for the key.

Bounds the memory that a stream takes in which anyone may write; what is learnt beforehand needs none of it.
"""
LONGEST_LINE = LARGEST_RECORD + 2
"""Bytes of the largest record with its line end."""
KINDS_MOST = 16
LONGEST_KIND = 64
OTHER_KINDS = "others"
"""Of that many unknown types the name is kept, and so much of it; the rest are counted together."""


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A record signed by a key that no one has vouched for yet."""

    problem: Problem
    key: str
    event: dict[str, Any]
    canonical: bytes


@dataclass(frozen=True, slots=True)
class _Loss:
    """What a record says that damage has cost, of its own chain or another."""

    chain: str
    """The chain that the numbers belong to."""
    ranges: tuple[Range, ...]


class Verifier:
    """Takes records in any order and judges them. About 300 bytes are kept of each.

    Hits overtake reads on the way, so the chain is judged in `report`, by sequence number; signature, source and
    pictures are judged at once, in `feed`. A key that a trusted key vouched for (`key_changed`) is trusted too, also
    for what came before the vouching record, which a hit may have overtaken; from that record on the former key is not,
    whatever the chain. That too is judged in `report`, and so is what such a key says of drops, losses and other keys.
    """

    def __init__(
        self,
        keys: Keyring,
        *,
        redelivery: bool = False,
        whole: bool = False,
        source: str | None = None,
        holders: Mapping[str, str] | None = None,
        heads: Iterable[NotedHead] = (),
    ) -> None:
        """Make a verifier.

        Args:
            keys: public keys of the post; a record signed by another is foreign.
            redelivery: allow the same record again, as QoS 1 does; in an archive it is a fault.
            whole: require every chain from its first record on; otherwise it may begin later.
            source: the only source allowed; that of the first genuine record if None.
            holders: the person to whom a key belongs, by its thumbprint, in a log of what people did: a record signed
                with it that says someone else did it is foreign.
            heads: ends that were noted down, each of which must be in a chain.

        """
        self._heads = tuple(heads)
        self._holders = holders or {}
        self._given = keys.kids
        self._keys = keys
        self._redelivery = redelivery
        self._whole = whole
        self._source = source
        self._fed = 0
        self._redelivered = 0
        self._unchained: dict[str, Link] = {}
        self._loose: list[Problem] = []
        self._chains: dict[str, Chain] = {}
        self._losses: dict[tuple[str, int], _Loss] = {}
        """By the record that says so: its chain and its number there."""
        self._changes: dict[tuple[str, int], Change] = {}
        self._unknown: list[_Unknown] = []
        self._kinds: Counter[str] = Counter()
        """How many records came of each type that this version does not know."""

    def feed(self, record: bytes | str | dict[str, Any]) -> Problem | None:
        """Take one record, as JSON or parsed; return what is wrong with it in itself."""
        self._fed += 1
        line = self._fed
        if not isinstance(record, dict) and len(record) > LONGEST_LINE:
            return self._wrong("malformed", line, {}, f"longer than the {LARGEST_RECORD} bytes of the largest record")
        try:
            event = record if isinstance(record, dict) else parse(record)
            canonical = canonical_bytes(event)
        except RecordError as error:
            return self._wrong("malformed", line, {}, str(error))
        if not isinstance(event.get("signature"), str):
            return self._wrong("malformed", line, event, "not signed")
        return self._judge(line, event, canonical)

    def learn(self, records: Iterable[bytes | str | dict[str, Any]]) -> None:
        """Learn which keys are vouched for from records that are fed afterwards, in any order; all else is passed over.

        Then any number of records may come before the one that vouches for their key.
        """
        ahead = Verifier(self._keys, redelivery=True, source=self._source)
        for record in records:
            if _may_name_a_key(record):
                ahead.feed(record)
        self._keys = ahead._keys

    def feed_all(self, records: Iterable[bytes | str | dict[str, Any]]) -> Report:
        """Take many records, skipping empty lines, and return the report.

        What can be gone through twice, as a list, is: keys are learnt first.
        """
        if isinstance(records, Sequence):
            self.learn(records)
        for record in records:
            if isinstance(record, dict) or len(record) > LONGEST_LINE or record.strip():
                self.feed(record)
        return self.report()

    def report(self) -> Report:
        """Judge the chains as they are now."""
        trust = self._trust()
        lost = self._lost(trust)
        problems = [*self._loose, *self._foreign_unchained(trust), *missing_heads(self._heads, self._chains)]
        chains = []
        for name, chain in sorted(self._chains.items()):
            # A record that was changed is a fault already; by the number it bears it is there, not missing.
            changed = [
                (problem.sequence, problem.sequence)
                for problem in self._loose
                if problem.kind == "changed" and problem.chain == name and problem.sequence is not None
            ]
            verdict = chain.judge(name, whole=self._whole, lost=lost.get(name, []), changed=changed, trust=trust)
            problems += verdict.problems
            chains.append(
                ChainReport(name, len(chain.links), min(chain.links), max(chain.links), verdict.dropped, verdict.lost)
            )
        return Report(
            fed=self._fed,
            chained=sum(chain.records for chain in chains),
            unchained=len(self._unchained),
            unknown=dict(sorted(self._kinds.items())),
            redelivered=self._redelivered,
            chains=tuple(chains),
            problems=tuple(problems),
        )

    def _judge(self, line: int, event: dict[str, Any], canonical: bytes) -> Problem | None:
        try:
            key = self._genuine(event, canonical)
        except ForeignKeyError as error:
            problem = self._wrong("foreign", line, event, str(error))
            if self._source in {None, event.get("source")} and len(self._unknown) < UNKNOWN_MOST:
                self._unknown.append(_Unknown(problem, signed_by(event["signature"]), event, canonical))
            return problem
        except SignatureRefusedError as error:
            return self._wrong("changed", line, event, _why(error))
        problem_here = self._place(line, event, digest_of(canonical), key)
        if problem_here is None and (holder := self._holders.get(key)) is not None:
            data = event.get("data")
            claimed = data.get("identity") if isinstance(data, dict) else None
            # A place that signs for itself, as a post does, tells of what others did there.
            if holder not in {claimed, str(self._source).rpartition("/")[2]}:
                return self._wrong("foreign", line, event, f"signed with the key of {holder}, in the name of {claimed}")
        if problem_here is None and event.get("type") == TYPES[Audit]:
            self._heed(event, key)
        return problem_here

    def _genuine(self, event: dict[str, Any], canonical: bytes) -> str:
        key = self._keys.check(event["signature"], canonical)
        source = event.get("source")
        if self._source is None and isinstance(source, str):
            self._source = source
        if source != self._source:
            raise ForeignKeyError(f"comes from {source}, not from {self._source}")
        if not pictures_match(event):
            raise SignatureRefusedError("a picture does not match its digest")
        return key

    def _heed(self, event: dict[str, Any], key: str) -> None:
        """Take note of what an audit record says of the chain: dropped, lost, another key."""
        try:
            audit = read_known(Audit, event.get("data"))
        except ValueError:
            return
        name, sequence = event.get("chain"), event.get("sequence")
        if not (isinstance(name, str) and isinstance(sequence, int)):
            return
        if audit.dropped:
            self._chains[name].dropped[sequence] = [(gap.first, gap.last) for gap in audit.dropped.sequences]
        if audit.lost:
            ranges = tuple((gap.first, gap.last) for gap in audit.lost.sequences)
            self._losses[name, sequence] = _Loss(audit.lost.chain, ranges)
        change = audit.key
        if change is None or change.former != key:
            return
        try:
            self._keys = self._keys.with_pem(change.public_key.encode(), thumbprint=change.thumbprint)
        except KeyRefusedError:
            return
        ends = {end.chain: end.digest for end in change.ends}
        self._changes[name, sequence] = Change(name, sequence, change.former, change.thumbprint, ends)
        self._judge_again(change.thumbprint)

    def _judge_again(self, key: str) -> None:
        known = [record for record in self._unknown if record.key == key]
        self._unknown = [record for record in self._unknown if record.key != key]
        for record in known:
            self._loose.remove(record.problem)
            self._judge(record.problem.line or 0, record.event, record.canonical)

    def _place(self, line: int, event: dict[str, Any], digest: str, key: str) -> Problem | None:
        name, sequence, previous, identifier = (event.get(key) for key in ("chain", "sequence", "previous", "id"))
        if not isinstance(identifier, str):
            return self._wrong("malformed", line, event, "no id")
        if name is None and sequence is None and previous is None:
            chain_then, number = _chain_end(event)
            link = Link(line, identifier, number, digest, "", sys.intern(key), _time(event), chain_then=chain_then)
            return self._place_unchained(link, event)
        if not (isinstance(name, str) and isinstance(sequence, int) and isinstance(previous, str) and sequence >= 1):
            return self._wrong("malformed", line, event, "chain, sequence and previous do not belong together")
        chain = self._chains.setdefault(name, Chain())
        link = Link(
            line,
            identifier,
            sequence,
            digest,
            previous,
            sys.intern(key),
            _time(event),
            stepped_back=_stepped_back(event),
        )
        known = chain.links.setdefault(sequence, link)
        if known is not link:
            return self._again(chain, name, known, link)
        self._count_unknown(event)
        return None

    def _count_unknown(self, event: dict[str, Any]) -> None:
        kind = str(event.get("type"))[:LONGEST_KIND]
        if kind not in EVENTS:
            self._kinds[kind if kind in self._kinds or len(self._kinds) < KINDS_MOST else OTHER_KINDS] += 1

    def _place_unchained(self, link: Link, event: dict[str, Any]) -> Problem | None:
        if event.get("type") in _CHAINED:
            return self._wrong("malformed", link.line, event, "outside the chain, but no health, answer or status")
        known = self._unchained.setdefault(link.id, link)
        if known is link:
            self._count_unknown(event)
            return None
        if known.digest != link.digest:
            return self._wrong("repeated", link.line, event, "another record has this identifier")
        if not self._redelivery:
            return self._wrong("repeated", link.line, event, "the same record again")
        self._redelivered += 1
        return None

    def _foreign_unchained(self, trust: Trust) -> list[Problem]:
        """Name what is outside the chain and signed by a key that is not good any more."""
        judged = (
            (link, trust.objection(link.key, chain=link.chain_then, sequence=link.sequence))
            for link in self._unchained.values()
        )
        return [Problem("foreign", link.line, None, None, link.id, why) for link, why in judged if why is not None]

    def _trust(self) -> Trust:
        named_ends = {end for change in self._changes.values() for end in change.ends.values()}
        links = ((name, link) for name, chain in self._chains.items() for link in chain.links.values())
        numbers = {(name, link.digest): link.sequence for name, link in links if link.digest in named_ends}
        namings = [
            Naming(name, sequence, self._chains[name].links[sequence].key, loss.chain)
            for (name, sequence), loss in self._losses.items()
        ]
        noted: dict[str, int] = {}
        for head in self._heads:
            for name, chain in self._chains.items():
                link = chain.links.get(head.sequence)
                if link is not None and link.digest.startswith(head.digest):
                    noted[name] = max(noted.get(name, 0), head.sequence)
        return Trust(
            self._given,
            self._changes.values(),
            namings=namings,
            number=lambda chain, digest: numbers.get((chain, digest)),
            noted=noted,
        )

    def _lost(self, trust: Trust) -> dict[str, list[Range]]:
        """Return the numbers that the post says damage cost, by chain, as far as the signer could know of them."""
        lost: dict[str, list[Range]] = {}
        for (name, sequence), loss in self._losses.items():
            speaker = self._chains[name]
            if speaker.objection(name, sequence, trust) is None:
                end = trust.last_number(speaker.links[sequence].key, loss.chain)
                ranges = ((first, last if end is None else min(last, end)) for first, last in loss.ranges)
                lost.setdefault(loss.chain, []).extend(ranges)
        return lost

    def _again(self, chain: Chain, name: str, known: Link, link: Link) -> Problem | None:
        if known.digest != link.digest:
            problem = Problem(
                "forked", link.line, name, link.sequence, link.id, f"another record has this number: {known.id}"
            )
        elif self._redelivery:
            self._redelivered += 1
            return None
        else:
            problem = Problem("repeated", link.line, name, link.sequence, link.id, "the same record again")
        chain.problems.append(problem)
        return problem

    def _wrong(self, kind: ProblemKind, line: int, event: dict[str, Any], message: str) -> Problem:
        chain = event.get("chain")
        sequence = event.get("sequence")
        identifier = event.get("id")
        problem = Problem(
            kind,
            line,
            chain if isinstance(chain, str) else None,
            sequence if isinstance(sequence, int) else None,
            identifier if isinstance(identifier, str) else None,
            message,
        )
        self._loose.append(problem)
        return problem


def _time(event: dict[str, Any]) -> float:
    """Return a record's time, seconds since 1970; infinity, later than all, if it says none."""
    try:
        time = datetime.fromisoformat(str(event.get("time")))
        return time.timestamp() if time.tzinfo else inf
    except (ValueError, OverflowError):
        return inf


def _chain_end(event: dict[str, Any]) -> tuple[str | None, int]:
    """Return the end of the chain that a record outside of it names, chain and number."""
    data = event.get("data")
    end = data.get("chain_end") if isinstance(data, dict) else None
    chain, number = (end.get("chain"), end.get("sequence")) if isinstance(end, dict) else (None, None)
    return (sys.intern(chain), number) if isinstance(chain, str) and isinstance(number, int) else (None, 0)


def _stepped_back(event: dict[str, Any]) -> float:
    """Return by how much a record says that it is earlier than the one before it, seconds; 0 if it does not."""
    data = event.get("data")
    clock = data.get("clock") if isinstance(data, dict) else None
    seconds = clock.get("stepped_back_seconds") if isinstance(clock, dict) else None
    return float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else 0.0


def _may_name_a_key(record: bytes | str | dict[str, Any]) -> bool:
    """Pass over most records without parsing them."""
    if isinstance(record, dict):
        return record.get("type") == TYPES[Audit]
    return b"key_changed" in record if isinstance(record, bytes) else "key_changed" in record


def _why(error: SignatureRefusedError) -> str:
    if isinstance(error.__cause__, BadSignatureError):
        return "its content and its signature do not belong together"
    return str(error).rstrip(": ")
