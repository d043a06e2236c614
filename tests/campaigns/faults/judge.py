"""The judge: what came of every record that a post was told is stored.

It takes the posts' storage logs, the department's archive of everything that arrived, repeats included, and the posts'
public keys, and nothing that the posts say elsewhere. A record may have arrived once or more; or a signed audit names
it as given up by the quota, which only reads may be, or as lost to a damaged page. Everything else is a fault. The
chain is proved by the code of `platepost verify`, which also tells a repeat from another content of the same number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platepost.wire.records import TYPES, Read, Source
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.signing import Keyring
from platepost.wire.verify.verify import Verifier
from tests.campaigns.faults.given_up import GivenUp
from tests.campaigns.faults.storage_log import LoggedRecord, read_stored

MAY_BE_GIVEN_UP = frozenset({TYPES[Read]})
"""Kinds of records that a quota may cost."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What came of the records of one post."""

    post: str
    stored: int
    """Records that the post was told are stored."""
    delivered: int
    """Different chained records that arrived."""
    repeats: int
    """Arrivals of a record that had arrived already, with the same content."""
    given_up: int
    """Reads stored, not arrived, and named in the audit as given up for lack of space."""
    damaged: int
    """Records stored, not arrived, and named in the audit as lost to a damaged page."""
    lost: int
    """Records stored, not arrived, and named nowhere."""
    chains: int
    outside: int
    """Records outside the chain: wills and health."""
    dropped: int
    """Numbers of the chain that did not arrive and that the audit names, whether or not the storage log knows them."""
    problems: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether every record is accounted for and every chain proved."""
        return not self.lost and not self.problems


class Judge:
    """Judges one post. Feed it what arrived, then ask for the ruling."""

    def __init__(self, source: Source, key: Path) -> None:
        """Prepare to judge `source`, whose public record-signing key is the PEM file `key`."""
        self._source = source
        self._verifier = Verifier(Keyring.from_files(key), redelivery=True, whole=True, source=source.uri)
        self._arrived: dict[str, str] = {}
        self._given_up = GivenUp()
        self._repeats = 0
        self._conflicts: list[str] = []

    def feed(self, event: dict[str, Any]) -> None:
        """Take one arrival, repeats included."""
        problem = self._verifier.feed(event)
        chain = event.get("chain")
        if problem is not None or not isinstance(chain, str):
            return
        identifier, digest = str(event["id"]), digest_of(canonical_bytes(event))
        known = self._arrived.get(identifier)
        if known is None:
            self._arrived[identifier] = digest
            self._given_up.note(event)
        elif known == digest:
            self._repeats += 1
        else:
            self._conflicts.append(f"{identifier}: arrived with another content the second time")

    def ruling(self, stored: Iterable[LoggedRecord]) -> Ruling:
        """Judge, given what the post was told is stored."""
        records = list(stored)
        report = self._verifier.report()
        problems = [
            f"{problem.kind}: {problem.message}"
            for problem in report.problems
            # Which numbers these are, the damaged page itself hides; that it does stands in the audit.
            if not (problem.kind == "missing" and problem.chain in self._given_up.incomplete)
        ]
        problems += self._conflicts
        if len(records) != len({record.id for record in records}):
            problems.append("the storage log names a record twice")
        given_up, damaged, lost = 0, 0, []
        for record in records:
            digest = self._arrived.get(record.id)
            if digest is not None:
                if digest != record.digest:
                    problems.append(f"{record.id}: arrived with another content than was stored")
            elif self._given_up.dropped(record):
                given_up += 1
                if record.type not in MAY_BE_GIVEN_UP:
                    problems.append(f"{record.id}: a {record.type} was given up")
            elif self._given_up.damaged(record):
                damaged += 1
            else:
                lost.append(record)
        problems += [f"lost: number {record.sequence}, {record.type}, {record.id}" for record in lost]
        return Ruling(
            post=self._source.post,
            stored=len(records),
            delivered=len(self._arrived),
            repeats=self._repeats,
            given_up=given_up,
            damaged=damaged,
            lost=len(lost),
            chains=len(report.chains),
            outside=report.unchained,
            dropped=sum(chain.dropped + chain.lost for chain in report.chains),
            problems=tuple(problems),
        )


def judge(posts: Iterable[tuple[Source, Path, Path]], *, archive: Path) -> tuple[Ruling, ...]:
    """Judge posts from files, in one pass over what arrived of them.

    Args:
        posts: each post with the PEM of its public record-signing key and its storage log.
        archive: JSON lines: every arrival of any post, repeats included.

    Raises:
        RecordError: a line of the archive is no event.

    """
    every = list(posts)
    judges = {source.uri: Judge(source, key) for source, key, _ in every}
    with archive.open("rb") as lines:
        for line in lines:
            event = parse(line)
            found = judges.get(str(event.get("source")))
            if found is not None:
                found.feed(event)
    return tuple(judges[source.uri].ruling(read_stored(stored)) for source, _, stored in every)
