"""One short history of an invented post, the same at every run: the examples of the contract."""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from platepost.wire.contract.deterministic_signer import DeterministicSigner
from platepost.wire.records.audit import Audit, Dropped, Lost
from platepost.wire.records.command import Finding, Response
from platepost.wire.records.configuration import ConfigurationState
from platepost.wire.records.envelope import Envelope
from platepost.wire.records.health import Health, Queue, Timing
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.keys import KeyState, Purpose
from platepost.wire.records.parts import (
    Alternative,
    Box,
    Character,
    ClockQuality,
    HotListState,
    Location,
    Model,
    Picture,
    Place,
    Point,
    VehicleDescription,
    Versions,
)
from platepost.wire.records.read import Consultation, Read
from platepost.wire.records.recorder import ChainHead, Recorder
from platepost.wire.records.signing import Signer
from platepost.wire.records.status import PerceivedSeverity, Reason, Status
from platepost.wire.records.topics import Source

BEGAN = datetime(2026, 1, 31, 17, 5, 9, 120000, UTC)
SOURCE = Source("demo", "post-1")
CLOCK = ClockQuality(source="kernel", synchronised=True, estimated_error_seconds=0.000412, maximum_error_seconds=0.031)
PLACE = Place(site="Bridge Street", latitude=37.3541, longitude=-121.9552, heading_degrees=245.0)
VERSIONS = Versions(
    software="0.1.0",
    configuration="3f0c9a517b2e",
    models=(Model(name="detector", digest="1f" * 32), Model(name="reader", digest="2e" * 32)),
)
LIST = HotListState(
    state="current",
    version=118,
    issuer="Demo Police Department",
    built=BEGAN - timedelta(hours=2),
    age_seconds=7200.0,
    entries=48213,
)
# A picture of 24 x 12 pixels.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9"
    "lnN+gXz/wAALCAAMABgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEG"
    "E1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ"
    "ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AMPRNMt7+G7l"
    "uBct5Gzatvgsck9iPat6Pwjp8kSP5l4u5QdrMoI9j8vWsXxJo1vpP2b7O8rebu3eYQemOmAPWsmC6uLbd9nnlh3fe8tyufripv7U1D/n+uv+/wA3"
    "+NQz3Vxc7ftE8s237vmOWx9M1//Z"
)


class ExampleSigner(DeterministicSigner):
    """Signs with a key that everyone knows: for examples only. Another `secret` makes another key."""

    def __init__(self, secret: bytes = b"platepost example key, not secret") -> None:
        private = ec.derive_private_key(int.from_bytes(secret[:32]), ec.SECP256R1())
        super().__init__(ECKey(private, private))


LIST_KEYS = (ExampleSigner(b"platepost example, lists 2025"), ExampleSigner(b"platepost example, lists 2026"))
"""The keys of an invented department's hot lists: the former, and the one in force."""


class MemoryStore:
    """A store that forgets: enough for examples and tests. `dropped`, if set, is accounted for next."""

    def __init__(self, chain: str) -> None:
        self.head = ChainHead(chain)
        self.covert: dict[str, ChainHead] = {}
        self.records: list[Envelope] = []
        self.dropped: Dropped | None = None

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Keep what `make` returns."""
        envelope = make(self.head)
        self.head = ChainHead(
            self.head.chain, envelope.sequence or 0, envelope.digest, envelope.chain_key, envelope.time
        )
        self.records.append(envelope)
        return envelope

    def append_covert(self, make: Callable[[ChainHead], Envelope], *, group: str) -> Envelope:
        """Keep what `make` returns for the end of the group's records; their chain has no name of its own here."""
        envelope = make(self.covert.get(group, ChainHead(self.head.chain)))
        self.covert[group] = ChainHead(self.head.chain, envelope.sequence or 0, envelope.digest, time=envelope.time)
        self.records.append(envelope)
        return envelope

    def covert_heads(self) -> tuple[ChainHead, ...]:
        """Return the ends of the groups' records."""
        return tuple(self.covert.values())

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Keep the account of `dropped`."""
        dropped, self.dropped = self.dropped, None
        return None if dropped is None else self.append(lambda head: make(head, dropped))

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Nothing is lost here."""
        del make
        return None


def identifiers() -> Iterator[str]:
    """Make UUIDs of version 7 that are the same at every run, a second apart."""
    for number in count():
        milliseconds = int(BEGAN.timestamp() * 1000) + 1000 * number
        yield f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7000-8000-{number:012x}"


_CONFUSED = str.maketrans("B8", "8B")


def example_sight(passage: str, text: str = "7ABC123") -> dict[str, object]:
    """Return what a read and a hit say alike of an invented plate."""
    return {
        "clock": CLOCK,
        "passage": passage,
        "plate_read": text,
        "plate_key": text.replace("O", "0").replace("I", "1"),
        "confidence": 0.973,
        "characters": tuple(Character(value=value, confidence=0.9962) for value in text),
        "alternatives": (Alternative(text=text.translate(_CONFUSED), confidence=0.0118),),
        "vehicle": VehicleDescription(kind="car", colors=("white", "gray")),
        "location": Location(
            frame_width=1280,
            frame_height=720,
            box=Box(x=602, y=411, width=118, height=63),
            corners=(
                Point(x=603.2, y=411.5),
                Point(x=719.0, y=414.1),
                Point(x=718.4, y=473.6),
                Point(x=602.7, y=470.2),
            ),
        ),
        "captured": BEGAN + timedelta(seconds=1.4),
        "first_seen": BEGAN + timedelta(seconds=1),
        "last_seen": BEGAN + timedelta(seconds=1.9),
        "frames_seen": 14,
        "frames_agreeing": 12,
        "direction": "approaching",
        "camera": "north",
        "place": PLACE,
        "versions": VERSIONS,
        "pictures": (Picture.of("patch", JPEG, width=24, height=12),),
    }


def example_status(state: str, boot: str, *reasons: Reason, since: datetime = BEGAN) -> Status:
    """Return an invented status."""
    return Status.model_validate(
        {
            "clock": CLOCK,
            "state": state,
            "reasons": reasons,
            "since": since,
            "valid_seconds": None if state == "offline" else 660,
            "boot": boot,
            "place": PLACE,
            "versions": VERSIONS,
            "hotlist": LIST,
            "configuration": ConfigurationState(
                state="applied", version=12, digest="4c" * 32, who="j-stone", applied=BEGAN
            ),
            "keys": (
                KeyState(purpose=Purpose.LISTS, key=LIST_KEYS[1].kid, former=(LIST_KEYS[0].kid,), era=0, number=3),
            ),
        }
    )


def example_response(request: str) -> Response:
    """Return an invented answer."""
    return Response(
        clock=CLOCK,
        request=request,
        command="self-test",
        asked_by="r-alvarez",
        outcome="done",
        findings=(Finding(point="camera", good=True, said="the newest frame is 0.04 s old"),),
    )


def example_audit(action: str, **more: object) -> Audit:
    """Return an invented event of the audit trail."""
    values = {
        "clock": CLOCK,
        "action": action,
        "occurred": BEGAN,
        "where": SOURCE.post,
        "source": "device.post",
        "outcome": "success",
        "identity": SOURCE.post,
    }
    return Audit.model_validate(values | more)


def example_health(boot: str) -> Health:
    """Return invented vital signs."""
    return Health(
        clock=CLOCK,
        boot=boot,
        uptime_seconds=60.0,
        frame_rate=19.6,
        last_frame_age_seconds=0.04,
        frames_dropped=3,
        camera_recoveries={"reopen": 2, "power_cycle": 0, "restart": 0, "reboot": 0},
        inference={
            "detector": Timing(median_ms=21.4, p95_ms=24.9, count=1176),
            "reader": Timing(median_ms=4.1, p95_ms=5.2, count=214),
        },
        queue=Queue(
            depth=2,
            oldest_age_seconds=0.3,
            size_bytes=9120,
            quota_bytes=268435456,
            reads_dropped=0,
            pictures_dropped=0,
        ),
        hotlist=LIST,
        connected=True,
        disk_free_bytes=11811160064,
        temperature_celsius=51.5,
    )


def example_records(signer: Signer) -> dict[str, Envelope]:
    """Return one record of each kind by name, in the order of their making; those of the chain continue one another."""
    identify = identifiers()
    moments = [BEGAN + timedelta(seconds=second) for second in range(20)]
    clock = iter(moments)
    store = MemoryStore(next(identify))
    recorder = Recorder(store, signer, SOURCE, now=lambda: next(clock), identify=lambda: next(identify))
    boot = next(identify)
    passage = next(identify)
    hit = next(identify)
    silent = Reason(
        name="camera_silent",
        message="The camera delivers no frames; nothing is read.",
        severity=PerceivedSeverity.CRITICAL,
    )
    sight = example_sight(passage)
    records = {
        "audit": recorder.record(
            example_audit("boot", details={"version": "0.1.0", "boot": boot, "configuration": 12})
        ),
        "status": recorder.record(example_status("online", boot)),
        "hit": recorder.record(
            Hit.model_validate(
                sight
                | {
                    "hit": hit,
                    "plate_matched": "7ABC123",
                    "match": "exact",
                    "match_confidence": 0.973,
                    "category": "Stolen Vehicle",
                    "priority": 1,
                    "state": "CA",
                    "reference": "26-004711",
                    "hotlist": LIST,
                    "hotlist_stale": False,
                    "pictures": tuple(Picture.of(kind, JPEG, width=24, height=12) for kind in ("patch", "overview")),
                }
            )
        ),
        "hit.withdrawn": recorder.record(
            HitWithdrawn(
                clock=CLOCK,
                hit=hit,
                passage=passage,
                category="Stolen Vehicle",
                plate_read="7A8C123",
                plate_key="7A8C123",
                reason="text_changed",
            )
        ),
        "read": recorder.record(
            Read.model_validate(
                example_sight(passage, "7A8C123")
                | {"hotlist": Consultation(**dict(LIST), result="no_match"), "hits": ()}
            )
        ),
        "status.degraded": recorder.record(example_status("degraded", boot, silent, since=moments[5])),
    }
    store.dropped = Dropped(reads=0, pictures=2)
    account = recorder.account_for_drops(clock=CLOCK)
    if account is not None:
        records["audit.dropped"] = account
    records["health"] = recorder.unchained(example_health(boot))
    records["response"] = recorder.unchained(example_response(next(identify)))
    records["status.will"] = recorder.unchained(example_status("offline", boot, since=moments[10]))
    records["status.repeat"] = recorder.unchained(example_status("degraded", boot, silent, since=moments[5]))
    return records
