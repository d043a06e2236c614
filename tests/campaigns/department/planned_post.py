"""A post that follows a plan: it signs and chains records, odd ones among them, and lets go of none too soon.

The rules are a post's own, in small: a record goes once a broker acknowledged it and a receipt covers it whose last
digest is the post's own. What no broker acknowledged is sent again on the next connection; what a receipt leaves out,
and the oldest that lacks one, after a while. Not simulated: the disk, several custodians, epochs.
"""

import hashlib
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from platepost.wire.records import Receipt, Signer, Source, new_identifier
from platepost.wire.records.base import timestamp
from platepost.wire.records.canonical import GENESIS, canonical_bytes, digest_of, dump, parse
from tests.campaigns.department.oddities import Oddity
from tests.campaigns.department.plan import ExtraPlan
from tests.campaigns.department.templates import RecordTemplate, TemplateSet

HITS, COVERT, OTHERS = 0.02, 0.01, 0.03
"""Shares of the records; the rest are reads."""
LEFT_OUT_SECONDS = 3.0
"""After which an acknowledged record is sent again that a newer receipt leaves out; each time twice as long."""
PROBE_SECONDS, LONGEST_PROBE_SECONDS = 3.0, 24.0
"""After which the oldest record without a receipt is sent again; each time twice as long, up to the second."""
LATE_SECONDS = 1.0
"""After which pictures follow their record."""
SHIFT = timedelta(days=40)
_HIT_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message that is to be sent."""

    topic: str
    body: bytes
    place: tuple[str, int] | None = None
    """Chain and number of the record that it carries; None if nothing depends on it."""


@dataclass(slots=True)
class HeldRecord:
    """A record that the post has."""

    message: Outgoing
    acknowledged: float | None = None
    """When a broker acknowledged it last, by the steady clock."""
    patience: float = LEFT_OUT_SECONDS
    """For so long it waits for its receipt then, before it is sent again."""


@dataclass(slots=True)
class PlannedChain:
    """One chain, and what of it the post still has."""

    name: str
    group: str | None = None
    last: int = 0
    head: str = GENESIS
    digests: bytearray = field(default_factory=bytearray)
    """32 bytes for each number, from 1 on."""
    missing: list[int] = field(default_factory=list)
    """Numbers that were never sent."""
    held: dict[int, HeldRecord] = field(default_factory=dict)
    receipted: int = 0
    """The highest number that a receipt covered."""
    probe_seconds: float = PROBE_SECONDS

    def digest(self, number: int) -> str:
        """Return a record's digest; empty of a number that there is not."""
        return self.digests[32 * (number - 1) : 32 * number].hex()


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """One that was made."""

    template: RecordTemplate
    values: dict[str, str]
    signature: str
    digest: str
    """What the next one names."""

    def body(self, *, pictures: bool = True) -> bytes:
        """Return what goes on the wire, with or without the bytes of its pictures."""
        return self.template.body(self.values, self.signature, pictures=pictures)


class PlannedPost:
    """Makes records, and knows what is to be sent. Knows nothing of connections."""

    def __init__(
        self, source: Source, signer: Signer, *, templates: TemplateSet, draw: Random, stranger: Signer
    ) -> None:
        """Begin its chains.

        Args:
            source: the post.
            signer: has its record-signing key.
            templates: what its records are made of.
            draw: what is random comes from here.
            stranger: has a key that no one vouched for.

        """
        self.name = source.post
        self.chains = [PlannedChain(new_identifier()), PlannedChain(new_identifier(), group=templates.group)]
        self.extras: list[ExtraPlan] = []
        self.unknown = 0
        """How many records were made of a type that no one knows."""
        self.queue: deque[Outgoing] = deque()
        self._source, self._signer, self._templates, self._draw, self._stranger = (
            source,
            signer,
            templates,
            draw,
            stranger,
        )
        self._header = signer.sign(b"").partition("..")[0]
        self._boot = new_identifier()
        self._strange = PlannedChain(new_identifier())
        self._later: deque[tuple[float, Outgoing]] = deque()
        self._again: list[Outgoing] = []
        self._forks: list[tuple[RecordTemplate, int, str]] = []

    @property
    def held(self) -> int:
        """How many records it has not let go of."""
        return sum(len(chain.held) for chain in self.chains)

    # --- making

    def record(self) -> None:
        """Make a record of some kind."""
        drawn, templates = self._draw.random(), self._templates
        chain, kinds = self.chains[0], templates.reads
        if drawn < COVERT:
            chain, kinds = self.chains[1], templates.covert
        elif drawn < COVERT + HITS:
            kinds = templates.hits
        elif drawn < COVERT + HITS + OTHERS:
            kinds = templates.others
        self._send(chain, self._draw.choice(kinds))

    def record_odd(self, oddity: Oddity, other: "PlannedPost", now: float) -> None:
        """Make a read that something is odd about.

        Args:
            oddity: what.
            other: the post below whose name it is replayed.
            now: by the steady clock.

        """
        chain, template = self.chains[0], self._draw.choice(self._templates.reads)
        if oddity is Oddity.UNKNOWN:
            template = self._templates.unknown
            self.unknown += 1
        number, previous = chain.last + 1, chain.head
        shift = {Oddity.LATE: -SHIFT, Oddity.EARLY: SHIFT}.get(oddity, timedelta())
        made = self._made(template, chain.name, number, previous, shift=shift)
        place = chain.name, number
        if oddity in {Oddity.FORGED, Oddity.USURPED}:
            self._claim(oddity, place, previous)
        elif oddity in {Oddity.ALTERED, Oddity.SPOILED}:
            self._alter(oddity, place, made)
        elif oddity is Oddity.FOREIGN:
            self._send_strange(template)
        elif oddity is Oddity.UNREADABLE:
            self._send_unreadable()
        elif oddity is Oddity.FORKED:
            self._forks.append((template, number, previous))
        elif oddity is Oddity.REPLAYED:
            other.add_extra(oddity, made.body(), made.digest, place)
        message = self._add(chain, template, made)
        self._send_oddly(oddity, message, made, now)

    def add_extra(self, oddity: Oddity, body: bytes, digest: str, place: tuple[str, int] | None) -> None:
        """Send a record besides those of the post's own, now and at the end; its place is what it says of itself."""
        chain, number = place or (None, None)
        self.extras.append(ExtraPlan(self.name, chain, number, digest, oddity))
        message = Outgoing(self._source.topic("read"), body)
        self.queue.append(message)
        self._again.append(message)

    def record_more(self) -> None:
        """Make one more record of each chain that lacks receipts: what comes before it and is lost is left out then."""
        for chain, kinds in zip(self.chains, (self._templates.others, self._templates.covert), strict=True):
            if chain.held:
                self._send(chain, kinds[0])

    def close(self) -> None:
        """Make what comes at the end: all that is odd once more, forks, and a last record of each chain.

        The last record comes after all of it, so that its receipt tells that all of it was heard.
        """
        for template, number, previous in self._forks:
            made = self._made(template, self.chains[0].name, number, previous)
            self.add_extra(Oddity.FORKED, made.body(), made.digest, (self.chains[0].name, number))
        self.queue.extend(self._again)
        for chain, kinds in zip(self.chains, (self._templates.others, self._templates.covert), strict=True):
            self._send(chain, kinds[0])

    # --- sending

    def due(self, now: float) -> None:
        """Have sent again what lacks its receipt for too long."""
        while self._later and self._later[0][0] <= now:
            self.queue.append(self._later.popleft()[1])
        for chain in self.chains:
            left_out = [
                record
                for number, record in chain.held.items()
                if number < chain.receipted
                and record.acknowledged is not None
                and now - record.acknowledged > record.patience
            ]
            oldest = next(iter(chain.held.values()), None)
            if oldest is None or left_out:
                pass
            elif oldest.acknowledged is not None and now - oldest.acknowledged > chain.probe_seconds:
                left_out = [oldest]
                chain.probe_seconds = min(2 * chain.probe_seconds, LONGEST_PROBE_SECONDS)
            for record in left_out:
                record.acknowledged = None
                record.patience *= 2
                self.queue.append(record.message)

    def acknowledge(self, message: Outgoing, now: float) -> None:
        """Take note that a broker has a message."""
        if message.place is not None:
            name, number = message.place
            record = next(chain.held.get(number) for chain in self.chains if chain.name == name)
            if record is not None:
                record.acknowledged = now

    def take(self, receipt: Receipt) -> None:
        """Let go of what a receipt covers, whose signature was verified."""
        for chain in self.chains:
            if chain.name != receipt.chain:
                continue
            for kept in receipt.ranges:
                if chain.digest(kept.last) != kept.digest:
                    continue
                chain.receipted = max(chain.receipted, kept.last)
                chain.probe_seconds = PROBE_SECONDS
                gone = [
                    number
                    for number, record in chain.held.items()
                    if kept.first <= number <= kept.last and record.acknowledged is not None
                ]
                for number in gone:
                    del chain.held[number]

    # --- records

    def _send(self, chain: PlannedChain, template: RecordTemplate) -> None:
        self.queue.append(self._add(chain, template, self._made(template, chain.name, chain.last + 1, chain.head)))

    def _add(self, chain: PlannedChain, template: RecordTemplate, made: SignedRecord) -> Outgoing:
        """Make a record the end of its chain."""
        chain.last += 1
        chain.head = made.digest
        chain.digests += bytes.fromhex(chain.head)
        message = Outgoing(self._source.topic(template.topic), made.body(), (chain.name, chain.last))
        chain.held[chain.last] = HeldRecord(message)
        return message

    def _made(
        self,
        template: RecordTemplate,
        chain: str,
        number: int,
        previous: str,
        *,
        shift: timedelta = timedelta(),
        signer: Signer | None = None,
    ) -> SignedRecord:
        now = datetime.now(UTC) + shift
        stamp, identifier = timestamp(now), new_identifier()
        values = {
            "id": identifier,
            "source": self._source.uri,
            "chain": chain,
            "sequence": str(number),
            "previous": previous,
            "expirytime": timestamp(now + _HIT_LIFE),
            "passage": identifier,
            "hit": identifier,
            "boot": self._boot,
        } | dict.fromkeys(("time", "captured", "first_seen", "last_seen", "occurred", "since"), stamp)
        canonical = template.canonical(values)
        return SignedRecord(template, values, (signer or self._signer).sign(canonical), digest_of(canonical))

    # --- oddities

    def _send_oddly(self, oddity: Oddity, message: Outgoing, made: SignedRecord, now: float) -> None:
        chain = self.chains[0]
        if oddity is Oddity.MISSING:
            chain.missing.append(chain.last)
            del chain.held[chain.last]
        elif oddity is Oddity.BARE:
            self.queue.append(Outgoing(message.topic, made.body(pictures=False)))
            self._later.append((now + LATE_SECONDS, message))
            self._again.append(message)
        else:
            self.queue.extend([message] * (2 if oddity is Oddity.REPEATED else 1))

    def _claim(self, oddity: Oddity, place: tuple[str, int], previous: str) -> None:
        """Have a stranger make a record of the post's next number, in the name of its key if it is to be forged."""
        template = self._draw.choice(self._templates.reads)
        made = self._made(template, *place, previous, signer=self._stranger)
        event = parse(made.body())
        if oddity is Oddity.FORGED:
            event["signature"] = f"{self._header}..{event['signature'].partition('..')[2]}"
        self.add_extra(oddity, dump(event), made.digest, place)

    def _alter(self, oddity: Oddity, place: tuple[str, int], made: SignedRecord) -> None:
        """Send the post's own record with another plate, or else with another signature."""
        event = parse(made.body())
        if oddity is Oddity.ALTERED:
            event["data"]["plate_read"] = event["data"]["plate_read"][::-1] + "X"
        else:
            event["signature"] = f"{self._header}..{self._stranger.sign(b'else').partition('..')[2]}"
        self.add_extra(oddity, dump(event), digest_of(canonical_bytes(event)), place)

    def _send_strange(self, template: RecordTemplate) -> None:
        strange = self._strange
        made = self._made(template, strange.name, strange.last + 1, strange.head, signer=self._stranger)
        strange.last += 1
        strange.head = made.digest
        self.add_extra(Oddity.FOREIGN, made.body(), made.digest, (strange.name, strange.last))

    def _send_unreadable(self) -> None:
        body = self._draw.choice((b"\xff\xfe%d", b"[%d]", b'{"specversion": %d', b"%d")) % self._draw.getrandbits(60)
        self.add_extra(Oddity.UNREADABLE, body, hashlib.sha256(body).hexdigest(), None)
