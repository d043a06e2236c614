"""A post that makes records for custody's tests, and delivers them in any order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from platepost.department.custody.holding import ChainName
from platepost.department.custody.messages import ReceivedMessage
from platepost.wire.contract.examples import (
    BEGAN,
    CLOCK,
    JPEG,
    LIST,
    PLACE,
    ExampleSigner,
    MemoryStore,
    example_audit,
    example_sight,
)
from platepost.wire.records import Dropped, Envelope, Picture, Read, Recorder, SequenceRange, Source
from platepost.wire.records.canonical import dump
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.recorder import ChainHead

SOURCE = Source("demo", "post-1")
CHAIN = ChainName("post-1", "01890a5d-ac96-774b-bcce-b302099a8057")
COVERT = ChainName("post-1", "01890a5d-ac96-774b-bcce-b302099a8058")
PASSAGE = "01890a5d-ac96-774b-bcce-000000000001"
GROUP = "vice"
HIT = "01890a5d-ac96-774b-bcce-000000000002"
SIGNER, LATER, STRANGER = (ExampleSigner(f"the post's {which}".encode()) for which in ("first", "later", "enemy"))
NOW = datetime(2026, 1, 31, 18, tzinfo=UTC)


class Post:
    """Makes records."""

    def __init__(self, chain: str = CHAIN.chain, signer: ExampleSigner = SIGNER, *, now: datetime = NOW) -> None:
        self.store = MemoryStore(chain)
        self.store.covert[GROUP] = ChainHead(COVERT.chain)
        self.now = now
        self.recorder = Recorder(self.store, signer, SOURCE, former=SIGNER, now=lambda: self.now)

    def record(self, count: int) -> list[Envelope]:
        return [self.recorder.record(example_audit("boot")) for _ in range(count)]

    def read(
        self,
        *hits: str,
        captured: datetime = BEGAN,
        pictures: bool = True,
        text: str = "7ABC123",
        passage: str = PASSAGE,
        site: str = "Bridge Street",
    ) -> Envelope:
        taken = (Picture.of("patch", JPEG, width=24, height=12),) if pictures else ()
        sight = example_sight(passage, text) | {
            "pictures": taken,
            "captured": captured,
            "place": PLACE.model_copy(update={"site": site}),
        }
        hotlist = dict(LIST) | {"result": "match" if hits else "no_match"}
        return self.recorder.record(Read.model_validate(sight | {"hotlist": hotlist, "hits": hits}))

    def hit(self, group: str | None = None, **sight: Any) -> Envelope:
        fields = {"hit": HIT, "plate_matched": "7ABC123", "match": "exact", "category": "stolen_vehicle", "priority": 1}
        pictures = (Picture.of("overview", JPEG, width=24, height=12),)
        more = {"hotlist": LIST, "hotlist_stale": False, "distribution": group, "pictures": pictures}
        created = self.recorder.record(Hit.model_validate(example_sight(PASSAGE) | fields | more | sight))
        # A `MemoryStore` gives a group's chain no name of its own.
        self.store.covert = {name: replace(head, chain=COVERT.chain) for name, head in self.store.covert.items()}
        return created

    def withdrawal(self, passage: str = PASSAGE) -> Envelope:
        return self.recorder.record(
            HitWithdrawn(
                clock=CLOCK,
                hit=HIT,
                passage=passage,
                category="stolen_vehicle",
                plate_read="7A8C123",
                plate_key="7A8C123",
                reason="text_changed",
            )
        )

    def drop(self, *spans: tuple[int, int]) -> Envelope:
        gaps = tuple(SequenceRange(first=first, last=last) for first, last in spans)
        self.store.dropped = Dropped(reads=1, pictures=0, sequences=gaps)
        created = self.recorder.account_for_drops(clock=CLOCK)
        assert created is not None
        return created

    def change_key(self, signer: ExampleSigner = LATER) -> Envelope:
        """Sign with another key from now on; return the record that vouches for it."""
        self.recorder = Recorder(self.store, signer, SOURCE, former=SIGNER, now=lambda: self.now)
        before = len(self.store.records)
        self.record(1)
        return self.store.records[before]

    def enemy(self, signer: ExampleSigner = STRANGER) -> "Post":
        """Return a stranger who goes on with the post's chain, with a key of his own."""
        post = Post(self.store.head.chain, signer, now=self.now + timedelta(seconds=1))
        post.store.head = replace(self.store.head, key=None)
        return post


def deliveries(*envelopes: Envelope) -> list[ReceivedMessage]:
    return [ReceivedMessage(envelope.topic, envelope.body) for envelope in envelopes]


def changed(envelope: Envelope, **members: Any) -> ReceivedMessage:
    """Return a record with other members than were signed."""
    return ReceivedMessage(envelope.topic, dump(envelope.event | members))
