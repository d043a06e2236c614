"""Sorts records into what a transaction writes: which are stored, which are duplicates, which count as held."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from department.custody.given_up import may_name_numbers
from department.custody.holding import ChainName, Fate
from department.custody.pictures import FiledPicture
from department.custody.projections import project
from department.custody.record import CustodyRecord, Filing, tally_type
from department.custody.tables import Batch, HeldChain, StoredTwin, TallyKey
from department.custody.verdict import Judgment, RecordStanding, RecordVerdict
from device.records.envelope import AnyEvent

DUPLICATE = "duplicate"
"""In the tally, beside the verdicts."""
PROVEN = frozenset({RecordVerdict.GENUINE, RecordVerdict.UNKNOWN})
_SIGNED = PROVEN | {RecordVerdict.FORKED}
_Where: TypeAlias = tuple[str, str | None, int | str]


class JudgedRecord(NamedTuple):
    """One record as it came."""

    id: int
    """That it gets if it is stored."""
    record: CustodyRecord
    filing: Filing
    """Where it would lie."""
    judgment: Judgment
    """What it is by itself."""


class BatchSorter:
    """Decides of one record after the other, and gathers what is to be written.

    Args:
        chain: returns what is held of a chain; it is changed in place.
        stored: what the database has under the same numbers, or, of loose records, digests; in the order of coming.
        now: when they are kept.

    """

    def __init__(self, chain: Callable[[ChainName], HeldChain], stored: Iterable[StoredTwin], now: datetime) -> None:
        self.writes = Batch()
        self.touched: set[ChainName] = set()
        """Chains that are to be receipted."""
        self._chain = chain
        self._now = now
        self._stored: defaultdict[_Where, list[StoredTwin]] = defaultdict(list)
        for twin in stored:
            self._stored[_where(twin.post, twin.chain, twin.number, twin.digest)].append(twin)

    def add(self, came: JudgedRecord) -> None:
        """Take in one record."""
        number, record, filing, judgment = came
        encoded = record.encoded()
        twins = self._stored[_where_of(record)]
        body_digest = sha256(encoded[1]).digest()
        for twin in twins:
            if twin.digest == record.digest and (
                twin.body_digest == body_digest
                or (judgment.standing is RecordStanding.PROVEN and twin.verdict in _SIGNED)
            ):
                self._count(record, filing, DUPLICATE)
                self._repeat(record, judgment, twins)
                self._add_late_pictures(record, twin)
                return
        verdict = self._hold(came, twins)
        if verdict is None:
            self._count(record, filing, DUPLICATE)
            return
        self._store(came, verdict, encoded)
        place = record.place
        twins.append(
            StoredTwin(
                id=number,
                filing=filing,
                post=record.post,
                chain=place.chain.chain if place else None,
                number=place.number if place else None,
                digest=record.digest,
                previous=place.previous if place else "",
                verdict=verdict,
                key=judgment.key,
                body_digest=body_digest,
                pictures=len(record.pictures),
            )
        )
        self._count(record, filing, verdict)

    def project(self, number: int, post: str, filing: Filing, event: AnyEvent) -> None:
        """Add the rows that people see of a genuine record."""
        placed = (number, filing.retention, filing.retained_from, post, filing.covert_group)
        for projection, row in project(event):
            self.writes.projected[projection].append(placed + row)

    def count(self, post: str, record_type: str, filing: Filing, verdict: str, *, at: datetime, by: int = 1) -> None:
        """Count a record of the day on which it came."""
        key = TallyKey(post, at.date(), tally_type(record_type), verdict, filing.covert_group)
        self.writes.tally[key] += by

    def rejudge(self, number: int, filing: Filing, verdict: RecordVerdict, judgment: Judgment) -> None:
        """Add a later judgment of a stored record."""
        where = (number, filing.retention, filing.retained_from)
        self.writes.rejudged.append(
            (*where, self._now, verdict.value, judgment.key, judgment.reason, filing.covert_group)
        )

    def change(self, chain: ChainName) -> HeldChain:
        """Return what is held of a chain, to be changed, written and receipted."""
        held = self._chain(chain)
        self.writes.chains[chain] = held
        self.touched.add(chain)
        return held

    def _hold(self, came: JudgedRecord, twins: list[StoredTwin]) -> RecordVerdict | None:
        """Have a record count as held as far as it may; return its verdict, None if it was purged before."""
        _, record, filing, judgment = came
        place = record.place
        if place is None:
            return judgment.verdict
        if judgment.standing is RecordStanding.REFUSED:
            return judgment.verdict
        held = self.change(place.chain)
        held.covert_group = held.covert_group or filing.covert_group
        if judgment.standing is RecordStanding.PROVEN:
            fate = held.proven.add(place.number, record.digest, place.previous, stored=counted(twins))
            if fate is Fate.HELD:
                return None
            held.overlaps |= place.number in held.unproven
            return RecordVerdict.FORKED if fate is Fate.FORKED else judgment.verdict
        if place.number not in held.proven:
            held.unproven.add(place.number, record.digest, place.previous, stored=counted(twins, unproven=True))
        return judgment.verdict

    def _repeat(self, record: CustodyRecord, judgment: Judgment, twins: list[StoredTwin]) -> None:
        """Have the chain's receipt answer a record that came again."""
        place = record.place
        if place is None or judgment.standing is RecordStanding.REFUSED:
            return
        held = self._chain(place.chain)
        self.touched.add(place.chain)
        for holding, unproven in ((held.proven, False), (held.unproven, True)):
            if place.number in holding and counted(twins, unproven=unproven) == record.digest:
                holding.repeated = place.number, record.digest

    def _add_late_pictures(self, record: CustodyRecord, twin: StoredTwin) -> None:
        if len(record.pictures) > twin.pictures:
            self.writes.pictures += [FiledPicture(twin.id, twin.filing, picture) for picture in record.pictures]

    def _store(self, came: JudgedRecord, verdict: RecordVerdict, encoded: tuple[int, bytes]) -> None:
        number, record, filing, judgment = came
        place = record.place
        if place is not None and verdict is not RecordVerdict.GENUINE:
            self._chain(place.chain).odd = True
        names = record.event is not None and may_name_numbers(record.event)
        self.writes.records.append(
            (
                number,
                filing.retention,
                filing.retained_from,
                self._now,
                record.topic,
                record.post,
                place.chain.chain if place else None,
                place.number if place else None,
                bytes.fromhex(record.digest),
                bytes.fromhex(place.previous) if place else None,
                record.type,
                verdict.value,
                judgment.key,
                "another record has this number" if verdict is RecordVerdict.FORKED else judgment.reason,
                names,
                filing.covert_group,
                *encoded,
            )
        )
        self.writes.pictures += [FiledPicture(number, filing, picture) for picture in record.pictures]
        if verdict is RecordVerdict.GENUINE and judgment.event is not None:
            self.project(number, record.post, filing, judgment.event)

    def _count(self, record: CustodyRecord, filing: Filing, verdict: str) -> None:
        self.count(record.post, record.type, filing, verdict, at=self._now)


def counted(twins: Iterable[StoredTwin], *, unproven: bool = False) -> str | None:
    """Return the digest of the stored record that counts as held under a number: the first proven, or unproven, one."""
    return next((twin.digest for twin in twins if (twin.unproven if unproven else twin.verdict in PROVEN)), None)


def _where_of(record: CustodyRecord) -> _Where:
    place = record.place
    if place is None:
        return _where(record.post, None, None, record.digest)
    return _where(record.post, place.chain.chain, place.number, record.digest)


def _where(post: str, chain: str | None, number: int | None, digest: str) -> _Where:
    return post, chain, digest if number is None else number
