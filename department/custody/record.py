"""One message as custody takes it: parsed once, its pictures apart, and where it is to be stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from platepost.common.errors import RecordError
from platepost.department.custody.codec import RAW, decode, encode, stored_form
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.holding import ChainName
from platepost.department.custody.messages import ReceivedMessage
from platepost.wire.records.base import DIGEST, Identifier
from platepost.wire.records.canonical import canonical_bytes, parse
from platepost.wire.records.envelope import EVENTS, TYPES
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.parts import picture_bytes
from platepost.wire.records.read import Read

LARGEST_NUMBER = 2**53 - 1
NO_HIT, HIT, LOG, DOUBTFUL = "no_hit", "hit", "log", "doubtful"
"""Retention classes: reads without a hit; hits, withdrawals and reads with a hit; all else; and `doubtful`."""
HELD = "held"
"""The class of a record that outlived its partition: someone holds it, or others are judged by it."""
FURTHEST = timedelta(days=31)
"""A record whose time is further than this from the custodian's clock is doubtful: one of the clocks was wrong, and no
purge may go by it unreviewed. Half of the shortest term that a law sets, 60 days (CVC 2413)."""
LONGEST_TYPE = 64
_TOPIC_LEVELS = 4
"""Of a topic, up to its post's name."""
_LARGEST_PIXELS = 2**31 - 1
_IDENTIFIER = TypeAdapter(Identifier)


class RecordVerdict(StrEnum):
    """What a record is."""

    GENUINE = "genuine"
    FOREIGN = "foreign"
    """Signed by a key that is not known."""
    FORGED = "forged"
    """Its signature, its source, its place or a picture contradicts it."""
    FORKED = "forked"
    """Genuine, and another genuine record of its number came first."""
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    """Signed right, of a type or a form that this version does not know."""


class ProofState(StrEnum):
    """How a record counts toward what is held; `platepost.department.custody.verdict` says why."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    REFUSED = "refused"


def proof_state_of(verdict: str, key: str | None) -> ProofState:
    """Return how a record of a verdict counts, with the thumbprint of its key; a forked one counts nowhere."""
    if verdict in {RecordVerdict.GENUINE, RecordVerdict.UNKNOWN}:
        return ProofState.PROVEN
    if verdict == RecordVerdict.FOREIGN or (verdict == RecordVerdict.FORGED and key is not None):
        return ProofState.UNPROVEN
    return ProofState.REFUSED


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """Where a record stands in its chain."""

    chain: ChainName
    number: int
    previous: str
    """Digest that it names of the record before it."""


class PictureBytes(NamedTuple):
    """A picture that is the one that its record names."""

    kind: str
    media_type: str
    width: int
    height: int
    sha256: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a record is stored: what decides when it is purged, and who may see it."""

    retention: str
    """Its class."""
    retained_from: datetime
    """The later of capture and custody."""
    covert_group: str | None


@dataclass(frozen=True, slots=True)
class CustodyRecord:
    """What is to be kept of one message."""

    topic: str
    post: str
    event: dict[str, Any] | None
    """As parsed, without the bytes of the pictures in `pictures`; None if it cannot be read. Altered pictures are
    evidence, and stay where they came."""
    canonical: bytes
    """What the signature covers; of what cannot be read, the bytes that came."""
    sha256: bytes
    """The digest of these."""
    place: ChainPlace | None
    """None of what has no place in a chain that a receipt could name."""
    pictures: tuple[PictureBytes, ...]
    altered: bool
    """Whether a picture came that is not the one that the record names."""
    problem: str
    """Why it cannot be read; empty if it can."""

    @property
    def digest(self) -> str:
        """Its digest, hexadecimal."""
        return self.sha256.hex()

    @property
    def type(self) -> str:
        """The type that it claims, if it can be shown; empty otherwise."""
        claimed = self.event.get("type") if self.event is not None else None
        return claimed if isinstance(claimed, str) and _is_short_line(claimed) else ""

    def encoded(self, constants: bytes = b"") -> tuple[int, bytes]:
        """Return the codec and the bytes to be stored; `constants` are kept beside them."""
        if self.event is None:
            return RAW, self.canonical
        previous = self.place.previous if self.place is not None else None
        return encode(stored_form(self.event), previous=previous, constants=constants)

    def filing(self, kept_at: datetime) -> Filing:
        """Return where it is stored if it is kept at a moment."""
        moments = list(_moments(self.event)) if self.event is not None else []
        captured = moments[0] if moments else kept_at
        doubtful = any(abs(moment - kept_at) > FURTHEST for moment in moments)
        return Filing(
            retention=DOUBTFUL if doubtful else _retention(self.event),
            retained_from=kept_at if doubtful else max(captured, kept_at),
            covert_group=_covert_group(self.topic, self.event),
        )


def take(message: ReceivedMessage) -> CustodyRecord:
    """Read a message, whatever it says."""
    try:
        event = parse(message.body)
        canonical = canonical_bytes(event)
    except RecordError as error:
        return unreadable(message, str(error))
    for member in ("type", "signature"):
        if not isinstance(event.get(member), str):
            return unreadable(message, f"not a record: no {member}")
    event, pictures, altered = _split(event)
    return CustodyRecord(
        topic=message.topic,
        post=message.post,
        event=event,
        canonical=canonical,
        sha256=sha256(canonical).digest(),
        place=_place_of(message.post, event),
        pictures=pictures,
        altered=altered,
        problem="",
    )


class RecordRow(NamedTuple):
    """A record as it is in the database: the columns of the views `custody_stored` and `custody_judged`."""

    id: int
    retention: str
    retained_from: datetime
    kept_at: datetime
    topic: str
    post: str
    chain: str | None
    number: int | None
    sha256: bytes
    """Its digest."""
    previous: bytes | None
    type: str
    verdict: str
    key: str | None
    reason: str
    names: bool
    """Whether it may name numbers or keys."""
    covert_group: str | None
    codec: int
    body: bytes
    constants: int | None = None
    """Number of the row of `custody_constants` that says its topic, its type, its key, and `parts`."""
    parts: bytes | None = None
    """What its post says in each read."""

    @property
    def columns(self) -> tuple[Any, ...]:
        """The values of the columns of `custody_record`."""
        return (self if self.constants is None else self._replace(topic="", type="", key=None))[:-1]

    @property
    def digest(self) -> str:
        """Its digest, hexadecimal."""
        return self.sha256.hex()

    @property
    def place(self) -> ChainPlace | None:
        """Where it stands in its chain."""
        if self.chain is None or self.number is None or self.previous is None:
            return None
        return ChainPlace(ChainName(self.post, self.chain), self.number, self.previous.hex())

    @property
    def filing(self) -> Filing:
        """Where it is stored."""
        return Filing(self.retention, self.retained_from, self.covert_group)

    @property
    def where(self) -> tuple[int, str, datetime]:
        """What its rows in other tables name it by: id, class, and from when it is retained."""
        return self.id, self.retention, self.retained_from

    @property
    def proof_state(self) -> ProofState:
        """How it counts."""
        return proof_state_of(self.verdict, self.key)

    def json_bytes(self) -> bytes:
        """Return the JSON of what its post said, except its pictures; of what cannot be read, the bytes.

        Raises:
            CustodyError: its bytes are damaged.

        """
        previous = self.previous.hex() if self.previous is not None else None
        return decode(self.codec, self.body, previous=previous, constants=self.parts or b"")

    def restored(self) -> CustodyRecord:
        """Return the record as it was taken, except its pictures.

        Raises:
            CustodyError: its bytes are damaged, or it has a topic of no post.

        """
        if self.topic.count("/") < _TOPIC_LEVELS - 1:
            raise CustodyError(f"record {self.id} has a topic of no post")
        return take(ReceivedMessage(self.topic, self.json_bytes()))


def _place_of(post: str, event: dict[str, Any]) -> ChainPlace | None:
    """Return where an event stands, where a receipt could name it."""
    number, previous = event.get("sequence"), event.get("previous")
    if type(number) is not int or not 1 <= number <= LARGEST_NUMBER:
        return None
    if not isinstance(previous, str) or not DIGEST.fullmatch(previous):
        return None
    try:
        chain = _IDENTIFIER.validate_python(event.get("chain"), strict=True)
    except ValidationError:
        return None
    return ChainPlace(ChainName(post, chain), number, previous)


def unreadable(message: ReceivedMessage, problem: str) -> CustodyRecord:
    """Return a message as bytes that no one can read, and why."""
    digest = sha256(message.body).digest()
    return CustodyRecord(message.topic, message.post, None, message.body, digest, None, (), False, problem)


def _split(event: dict[str, Any]) -> tuple[dict[str, Any], tuple[PictureBytes, ...], bool]:
    """Part an event from its pictures' bytes; tell besides whether one of them is not what the event names.

    Then the event is returned whole.
    """
    data = event.get("data")
    named = data.get("pictures") if isinstance(data, dict) else None
    if not isinstance(data, dict) or named is None:
        return event, (), False
    if not isinstance(named, list) or not all(isinstance(picture, dict) for picture in named):
        return event, (), True
    if not any("data" in picture for picture in named):
        return event, (), False
    pictures, bare = [], []
    for picture in named:
        if "data" in picture:
            one_picture = _picture(picture)
            if one_picture is None:
                return event, (), True
            pictures.append(one_picture)
        bare.append({name: value for name, value in picture.items() if name != "data"})
    return event | {"data": data | {"pictures": bare}}, tuple(pictures), False


def _picture(named: dict[str, Any]) -> PictureBytes | None:
    kind = named.get("kind")
    media_type = named.get("media_type")
    digest = named.get("sha256")
    width = named.get("width")
    height = named.get("height")
    size = named.get("size")
    data = named.get("data")
    if not (isinstance(kind, str) and isinstance(media_type, str) and _is_short_line(kind + media_type)):
        return None
    if not (isinstance(size, int) and isinstance(digest, str) and DIGEST.fullmatch(digest) and isinstance(data, str)):
        return None
    if not all(isinstance(side, int) and 0 <= side <= _LARGEST_PIXELS for side in (width, height)):
        return None
    body = picture_bytes(data, size=size, sha256=digest)
    if body is None:
        return None
    return PictureBytes(kind, media_type, int(width or 0), int(height or 0), bytes.fromhex(digest), body)


def _moments(event: dict[str, Any]) -> list[datetime]:
    """Return the times that an event says, that of the capture first."""
    data = event.get("data")
    captured = data.get("captured") if isinstance(data, dict) else None
    return [moment for fields in (captured, event.get("time")) if (moment := moment_of(fields)) is not None]


def moment_of(fields: object) -> datetime | None:
    """Return the time that a member says; None if it says none with an offset."""
    try:
        moment = datetime.fromisoformat(fields) if isinstance(fields, str) else None
        # An offset may lead beyond the calendar.
        return None if moment is None or moment.utcoffset() is None or moment.timestamp() is None else moment
    except (ValueError, OverflowError):
        return None


def _retention(event: dict[str, Any] | None) -> str:
    kind = event.get("type") if event is not None else None
    if event is None or kind not in {TYPES[Read], TYPES[Hit], TYPES[HitWithdrawn]}:
        return LOG
    data = event.get("data")
    return HIT if kind != TYPES[Read] or (isinstance(data, dict) and data.get("hits")) else NO_HIT


def _covert_group(topic: str, event: dict[str, Any] | None) -> str | None:
    """Return the only group that may know of a record: by the record itself, or else by its topic."""
    data = event.get("data") if event is not None else None
    fields = data.get("distribution") if isinstance(data, dict) else None
    if isinstance(fields, str) and _is_short_line(fields):
        return fields
    levels = topic.split("/")
    return levels[5] if len(levels) > 5 and levels[4] == "covert" else None


def _is_short_line(text: str) -> bool:
    return len(text) <= LONGEST_TYPE and text.isprintable()


def tally_type(record_type: str) -> str:
    """Return under which type a record is counted: one that is known, else `unknown`."""
    return record_type if record_type in EVENTS else "unknown"
