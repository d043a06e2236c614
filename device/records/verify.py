"""The verifier: proves of a stream or an archive of records that none is missing, changed, made up or repeated.

What it needs is public: the records and the post's public key. Pictures may have been dropped on the way; sequence
numbers that the post itself says it dropped (a signed `records_dropped`) are told apart from those that are missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import BadSignatureError

from device.errors import RecordError
from device.records.audit import Audit
from device.records.canonical import GENESIS, canonical_bytes, digest_of, parse
from device.records.command import Response
from device.records.envelope import TYPES
from device.records.health import Health
from device.records.parts import picture_matches
from device.records.signing import ForeignKeyError, Keyring, SignatureRefusedError
from device.records.status import Status
from device.records.verdict import ChainReport, Problem, ProblemKind, Report

__all__ = ["ChainReport", "Problem", "ProblemKind", "Report", "Verifier"]


@dataclass(frozen=True, slots=True)
class _Link:
    line: int
    id: str
    sequence: int
    digest: str
    previous: str


@dataclass(slots=True)
class _Chain:
    links: dict[int, _Link] = field(default_factory=dict)
    dropped: list[tuple[int, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Verifier:
    """Takes records in any order and judges them. About 300 bytes are kept of each.

    Hits overtake reads on the way, so the chain is judged in `report`, by sequence number; signature, source and
    pictures are judged at once, in `feed`.
    """

    def __init__(
        self, keys: Keyring, *, redelivery: bool = False, whole: bool = False, source: str | None = None
    ) -> None:
        """Make a verifier.

        Args:
            keys: public keys of the post; a record signed by another is foreign.
            redelivery: allow the same record again, as QoS 1 does; in an archive it is a fault.
            whole: require every chain from its first record on; otherwise it may begin later.
            source: the only source allowed; that of the first genuine record if None.

        """
        self._keys = keys
        self._redelivery = redelivery
        self._whole = whole
        self._source = source
        self._fed = 0
        self._redelivered = 0
        self._unchained: set[str] = set()
        self._loose: list[Problem] = []
        self._chains: dict[str, _Chain] = {}

    def feed(self, record: bytes | str | dict[str, Any]) -> Problem | None:
        """Take one record, as JSON or parsed; return what is wrong with it in itself."""
        self._fed += 1
        line = self._fed
        try:
            event = record if isinstance(record, dict) else parse(record)
            canonical = canonical_bytes(event)
        except RecordError as error:
            return self._wrong("malformed", line, {}, str(error))
        if not isinstance(event.get("signature"), str):
            return self._wrong("malformed", line, event, "not signed")
        try:
            self._genuine(event, canonical)
        except ForeignKeyError as error:
            return self._wrong("foreign", line, event, str(error))
        except SignatureRefusedError as error:
            return self._wrong("changed", line, event, _why(error))
        return self._place(line, event, digest_of(canonical))

    def feed_all(self, records: Iterable[bytes | str | dict[str, Any]]) -> Report:
        """Take many records, skipping empty lines, and return the report."""
        for record in records:
            if isinstance(record, dict) or record.strip():
                self.feed(record)
        return self.report()

    def report(self) -> Report:
        """Judge the chains as they are now."""
        problems = list(self._loose)
        chains = []
        for name, chain in sorted(self._chains.items()):
            found, dropped = self._judge(name, chain)
            problems += found
            chains.append(ChainReport(name, len(chain.links), min(chain.links), max(chain.links), dropped))
        return Report(
            fed=self._fed,
            chained=sum(chain.records for chain in chains),
            unchained=len(self._unchained),
            redelivered=self._redelivered,
            chains=tuple(chains),
            problems=tuple(problems),
        )

    def _genuine(self, event: dict[str, Any], canonical: bytes) -> None:
        self._keys.check(event["signature"], canonical)
        source = event.get("source")
        if self._source is None and isinstance(source, str):
            self._source = source
        if source != self._source:
            raise ForeignKeyError(f"comes from {source}, not from {self._source}")
        if not _pictures_match(event):
            raise SignatureRefusedError("a picture does not match its digest")

    def _place(self, line: int, event: dict[str, Any], digest: str) -> Problem | None:
        name, sequence, previous, identifier = (event.get(key) for key in ("chain", "sequence", "previous", "id"))
        if not isinstance(identifier, str):
            return self._wrong("malformed", line, event, "no id")
        if name is None and sequence is None and previous is None:
            return self._place_unchained(line, event, identifier)
        if not (isinstance(name, str) and isinstance(sequence, int) and isinstance(previous, str) and sequence >= 1):
            return self._wrong("malformed", line, event, "chain, sequence and previous do not belong together")
        chain = self._chains.setdefault(name, _Chain())
        link = _Link(line, identifier, sequence, digest, previous)
        known = chain.links.setdefault(sequence, link)
        if known is not link:
            return self._again(chain, name, known, link)
        chain.dropped += _dropped(event)
        return None

    def _place_unchained(self, line: int, event: dict[str, Any], identifier: str) -> Problem | None:
        kind, data = event.get("type"), event.get("data")
        will = kind == TYPES[Status] and isinstance(data, dict) and data.get("state") == "offline"
        if not (will or kind in {TYPES[Health], TYPES[Response]}):
            return self._wrong("malformed", line, event, "outside the chain, but neither health, answer nor will")
        if identifier in self._unchained:
            if not self._redelivery:
                return self._wrong("repeated", line, event, "the same record again")
            self._redelivered += 1
        self._unchained.add(identifier)
        return None

    def _again(self, chain: _Chain, name: str, known: _Link, link: _Link) -> Problem | None:
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

    def _judge(self, name: str, chain: _Chain) -> tuple[list[Problem], int]:
        problems = list(chain.problems)
        # A record that was changed is a fault already; by the number it bears it is there, not missing.
        changed = [
            (problem.sequence, problem.sequence)
            for problem in self._loose
            if problem.kind == "changed" and problem.chain == name and problem.sequence is not None
        ]
        dropped = 0
        last = _Link(0, "", 0, GENESIS, "") if self._whole else None
        for sequence in sorted(chain.links):
            link = chain.links[sequence]
            if last is not None and sequence == last.sequence + 1 and link.previous != last.digest:
                message = f"does not continue the record before it, number {last.sequence}"
                problems.append(Problem("forked", link.line, name, sequence, link.id, message))
            elif last is not None and sequence > last.sequence + 1:
                absent = _Absence(last.sequence + 1, sequence - 1).less(chain.dropped)
                dropped += sequence - 1 - last.sequence - sum(gap.last - gap.first + 1 for gap in absent)
                missing = [gap for whole in absent for gap in whole.less(changed)]
                problems += [Problem("missing", None, name, gap.first, None, str(gap)) for gap in missing]
            elif last is None and sequence == 1 and link.previous != GENESIS:
                problems.append(Problem("forked", link.line, name, sequence, link.id, "the first record has a past"))
            last = link
        return sorted(problems, key=lambda problem: problem.sequence or 0), dropped

    def _wrong(self, kind: ProblemKind, line: int, event: dict[str, Any], message: str) -> Problem:
        chain, sequence, identifier = event.get("chain"), event.get("sequence"), event.get("id")
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


@dataclass(frozen=True, slots=True)
class _Absence:
    """Consecutive sequence numbers that are absent."""

    first: int
    last: int

    def __str__(self) -> str:
        one = self.first == self.last
        return f"number {self.first} is missing" if one else f"numbers {self.first} to {self.last} are missing"

    def less(self, ranges: list[tuple[int, int]]) -> "list[_Absence]":
        """Return what is left of the absence without `ranges`."""
        left = []
        start = self.first
        for first, last in sorted(ranges):
            if last < start or first > self.last:
                continue
            if first > start:
                left.append(_Absence(start, first - 1))
            start = last + 1
        if start <= self.last:
            left.append(_Absence(start, self.last))
        return left


def _why(error: SignatureRefusedError) -> str:
    if isinstance(error.__cause__, BadSignatureError):
        return "its content and its signature do not belong together"
    return str(error).rstrip(": ")


def _pictures_match(event: dict[str, Any]) -> bool:
    data = event.get("data")
    pictures = data.get("pictures", []) if isinstance(data, dict) else []
    return isinstance(pictures, list) and all(
        isinstance(picture, dict)
        and (
            "data" not in picture
            or picture_matches(str(picture["data"]), size=picture.get("size", -1), sha256=picture.get("sha256", ""))
        )
        for picture in pictures
    )


def _dropped(event: dict[str, Any]) -> list[tuple[int, int]]:
    if event.get("type") != TYPES[Audit]:
        return []
    try:
        data = Audit.model_validate(event.get("data"))
    except ValueError:
        return []
    return [(gap.first, gap.last) for gap in data.dropped.sequences] if data.dropped else []
