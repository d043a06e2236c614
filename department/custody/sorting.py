"""Sorts records into what a transaction writes: which are stored, which are duplicates, which count as held."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

from platepost.department.custody.errors import CustodyError
from platepost.department.custody.holding import ChainName, Fate
from platepost.department.custody.projected import placed
from platepost.department.custody.projections import project
from platepost.department.custody.record import CustodyRecord, ProofState, RecordRow, RecordVerdict, tally_type
from platepost.department.custody.tables import Batch, ChainHolding, TallyKey
from platepost.department.custody.verdict import Judgment

DUPLICATE = "duplicate"
"""In the tally, beside the verdicts."""
SIGNED = frozenset({RecordVerdict.GENUINE, RecordVerdict.UNKNOWN, RecordVerdict.FORKED})
"""Verdicts of what a good key has signed."""


class BatchSorter:
    """Decides of one record after the other, and gathers what is to be written.

    Args:
        chain: returns what is held of a chain; it is changed in place.
        stored: what the database has under the same numbers, or, of loose records, digests; in the order of coming.
        now: when they are kept.

    """

    def __init__(self, chain: Callable[[ChainName], ChainHolding], stored: Iterable[RecordRow], now: datetime) -> None:
        self.writes = Batch()
        self.touched: set[ChainName] = set()
        """Chains that are to be receipted."""
        self._chain = chain
        self._now = now
        self._stored: defaultdict[tuple[object, ...], list[RecordRow]] = defaultdict(list)
        for twin in stored:
            self._stored[_where(twin)].append(twin)

    def add(self, row: RecordRow, record: CustodyRecord, judgment: Judgment) -> None:
        """Take in one record: as it would be stored, as it came, and what it is by itself."""
        twins = self._stored[_where(row)]
        proven = judgment.proof_state is ProofState.PROVEN
        for twin in twins:
            if twin.sha256 == row.sha256 and ((proven and twin.verdict in SIGNED) or _same(twin, row)):
                self._count(row, DUPLICATE)
                self._repeat(row, judgment, twins)
                # The first copy may have come without its pictures.
                self.writes.pictures += [(twin, picture) for picture in record.pictures]
                return
        fate = self._hold(row, judgment, twins)
        if fate is Fate.HELD:  # it was purged
            self._count(row, DUPLICATE)
            return
        if fate is Fate.FORKED:
            row = row._replace(verdict=RecordVerdict.FORKED.value, reason="another record has this number")
        twins.append(row)
        if row.place is not None and row.verdict != RecordVerdict.GENUINE:
            self._chain(row.place.chain).odd = True
        self.writes.records.append(row)
        self.writes.pictures += [(row, picture) for picture in record.pictures]
        self._project(row, judgment)
        self._count(row, row.verdict)

    def rejudge(self, stored: RecordRow, verdict: RecordVerdict, judgment: Judgment) -> None:
        """Add a later judgment of a stored record."""
        fields = (verdict.value, judgment.key, judgment.reason, stored.covert_group)
        self.writes.rejudged.append((*stored.where, self._now, *fields))
        self._count(stored, stored.verdict, by=-1)
        self._count(stored, verdict)
        self._project(stored._replace(verdict=verdict), judgment)

    def change(self, chain: ChainName) -> ChainHolding:
        """Return what is held of a chain, to be changed, written and receipted."""
        held = self._chain(chain)
        self.writes.chains[chain] = held
        self.touched.add(chain)
        return held

    def _hold(self, row: RecordRow, judgment: Judgment, twins: list[RecordRow]) -> Fate:
        """Have a record count as held as far as it may."""
        place = row.place
        if place is None or judgment.proof_state is ProofState.REFUSED:
            return Fate.NEW
        held = self.change(place.chain)
        held.covert_group = held.covert_group or row.covert_group
        if judgment.proof_state is ProofState.PROVEN:
            fate = held.proven.add(place.number, row.digest, place.previous, stored=counted(twins, ProofState.PROVEN))
            held.overlaps |= fate is not Fate.HELD and place.number in held.unproven
            return fate
        if place.number not in held.proven:
            held.unproven.add(place.number, row.digest, place.previous, stored=counted(twins, ProofState.UNPROVEN))
        return Fate.NEW

    def _repeat(self, row: RecordRow, judgment: Judgment, twins: list[RecordRow]) -> None:
        """Have the chain's receipt answer a record that came again."""
        place = row.place
        if place is None or judgment.proof_state is ProofState.REFUSED:
            return
        held = self._chain(place.chain)
        self.touched.add(place.chain)
        for holding, proof_state in ((held.proven, ProofState.PROVEN), (held.unproven, ProofState.UNPROVEN)):
            if place.number in holding and counted(twins, proof_state) == row.digest:
                holding.repeated = place.number, row.digest

    def _project(self, stored: RecordRow, judgment: Judgment) -> None:
        """Add the rows that people see of a genuine record."""
        if stored.verdict == RecordVerdict.GENUINE and judgment.event is not None:
            for projection, row in project(judgment.event):
                self.writes.projected[projection].append(placed(stored, row))

    def _count(self, stored: RecordRow, verdict: str, *, by: int = 1) -> None:
        """Count a record of the day on which it came."""
        day, kind = stored.kept_at.date(), tally_type(stored.type)
        self.writes.tally[TallyKey(stored.post, day, kind, verdict, stored.covert_group)] += by


def counted(twins: Iterable[RecordRow], proof_state: ProofState) -> str | None:
    """Return the digest of the stored record that counts as held under a number: the first of a standing."""
    return next((twin.digest for twin in twins if twin.proof_state is proof_state), None)


def _same(stored: RecordRow, row: RecordRow) -> bool:
    """Tell whether two have the same bytes; what is damaged has not."""
    with suppress(CustodyError):
        return stored.json_bytes() == row.json_bytes()
    return False


def _where(stored: RecordRow) -> tuple[object, ...]:
    """Return what records share that are to be compared: their number, or, of loose ones, their digest."""
    return (stored.post, stored.chain, stored.sha256 if stored.chain is None else stored.number)
