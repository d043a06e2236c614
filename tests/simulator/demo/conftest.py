"""Records as a post makes them, signed and chained, without a post."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from platepost.provisioning.trust.keys import new_key, private_pem
from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.scoring.truth import DueHit, TruePassage, Truth
from platepost.wire.records import (
    Audit,
    Box,
    ChainHead,
    Character,
    ClockQuality,
    Consultation,
    Envelope,
    Health,
    Hit,
    HitWithdrawn,
    HotListState,
    Location,
    Picture,
    Place,
    Queue,
    Read,
    Reason,
    RecordData,
    Recorder,
    Signer,
    Source,
    Status,
    Versions,
    new_identifier,
)
from platepost.wire.records.audit import Dropped

BEGAN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
"""When the footage's first frame was shown."""
FPS = 10
CLOCK = ClockQuality(source="kernel", synchronised=True, estimated_error_seconds=0.001)
VERSIONS = Versions(software="0.1.0", configuration="abcd")
LIST = HotListState(state="current", version=1, issuer="demo", built=BEGAN, age_seconds=2.0, entries=3)


class Memory:
    """Keeps the end of a chain."""

    def __init__(self) -> None:
        self.head = ChainHead(new_identifier())

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        envelope = make(self.head)
        assert envelope.sequence is not None
        self.head = ChainHead(self.head.chain, envelope.sequence, envelope.digest)
        return envelope

    def append_account(self, _make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        return None


class FakePost:
    """Says what it is told to, and keeps what a subscriber would have got."""

    def __init__(self) -> None:
        self.key = private_pem(new_key())
        self._recorder = Recorder(Memory(), Signer.from_pem(self.key), Source("demo", "post-1"))
        self.arrivals: list[Arrival] = []

    def says(self, data: RecordData, *, received: datetime = BEGAN) -> None:
        envelope = self._recorder.unchained(data) if isinstance(data, Health) else self._recorder.record(data)
        self.arrivals.append(Arrival(topic=envelope.topic, event=envelope.event, received=received))

    def reads(self, text: str, first: int, last: int, *, passage: str | None = None) -> str:
        """Read a plate seen in the frames from `first` to `last`; return the passage's identifier."""
        passage = passage or new_identifier()
        self.says(
            Read(
                **sight(text, first, last, passage),
                hotlist=Consultation(**dict(LIST), result="no_match"),
                pictures=(picture("patch", (120, 60)),),
            )
        )
        return passage

    def hits(
        self, text: str, first: int, last: int, *, category: str, match: str = "exact", after: float = 0.2
    ) -> tuple[str, str]:
        """Find a plate on the list, received `after` seconds; return the identifiers of the passage and the hit."""
        passage, hit = new_identifier(), new_identifier()
        sent: dict[str, Any] = sight(text, first, last, passage)
        self.says(
            Hit(
                **sent,
                hit=hit,
                plate_matched=text,
                match=match,  # type: ignore[arg-type]
                category=category,
                priority=2,
                hotlist=LIST,
                hotlist_stale=False,
                pictures=(picture("patch", (120, 60)), picture("overview", (320, 240))),
            ),
            received=sent["last_seen"] + timedelta(seconds=after),
        )
        return passage, hit

    def withdraws(self, passage: str, hit: str, text: str, category: str) -> None:
        self.says(
            HitWithdrawn(
                clock=CLOCK,
                hit=hit,
                passage=passage,
                category=category,
                plate_read=text,
                plate_key=text,
                reason="text_changed",
            )
        )

    def pulses(self, rate: float, uptime: float) -> None:
        queue = Queue(depth=0, size_bytes=0, quota_bytes=1, reads_dropped=0, pictures_dropped=0)
        self.says(
            Health(
                clock=CLOCK,
                boot=new_identifier(),
                uptime_seconds=uptime,
                frame_rate=rate,
                frames_dropped=0,
                queue=queue,
                hotlist=LIST,
            )
        )

    def stands(self, state: str, *reasons: Reason) -> None:
        self.says(
            Status(
                clock=CLOCK,
                state=state,  # type: ignore[arg-type]
                reasons=reasons,
                since=BEGAN,
                boot=new_identifier(),
                versions=VERSIONS,
                hotlist=LIST,
            )
        )

    def boots(self) -> None:
        self.says(
            Audit(
                clock=CLOCK,
                action="boot",
                occurred=BEGAN,
                where="post-1",
                source="post",
                outcome="success",
                identity="post-1",
            )
        )


def sight(text: str, first: int, last: int, passage: str) -> dict[str, Any]:
    return {
        "clock": CLOCK,
        "passage": passage,
        "plate_read": text,
        "plate_key": text.replace("O", "0").replace("I", "1"),
        "confidence": 0.97,
        "characters": tuple(Character(value=character, confidence=0.99) for character in text),
        "location": Location(frame_width=1280, frame_height=720, box=Box(x=1, y=2, width=100, height=50)),
        "captured": BEGAN + timedelta(seconds=(first + last) / 2 / FPS),
        "first_seen": BEGAN + timedelta(seconds=first / FPS),
        "last_seen": BEGAN + timedelta(seconds=last / FPS),
        "frames_seen": last - first + 1,
        "frames_agreeing": 2,
        "direction": "approaching",
        "camera": "footage",
        "place": Place(site="Demonstration street"),
        "versions": VERSIONS,
    }


def picture(kind: Any, size: tuple[int, int]) -> Picture:
    done, content = cv2.imencode(".jpg", np.full((size[1], size[0], 3), 90, np.uint8))
    assert done
    return Picture.of(kind, content.tobytes(), width=size[0], height=size[1])


@pytest.fixture
def post() -> FakePost:
    return FakePost()


@pytest.fixture
def clip(tmp_path: Path) -> DemoClip:
    """Three passages; the first is due as exact, the last as a look-alike."""
    texts = (("7ABC123", 10, 40), ("8XYZ900", 50, 90), ("6DEO456", 100, 140))
    passages = tuple(TruePassage(text=text, frames=(first, last)) for text, first, last in texts)
    return DemoClip(
        footage=tmp_path / "clip.mp4",
        truth=Truth(passages=passages, fps=FPS, frames=160),
        hot_list=None,
        patterns=None,
        due=(
            DueHit(passage=0, kind="exact", category="stolen_vehicle"),
            DueHit(passage=2, kind="look_alike", category="felony_vehicle"),
        ),
    )


@pytest.fixture
def decoded() -> Callable[[str], bytes]:
    """Return the bytes of a data URI."""
    return lambda uri: base64.b64decode(uri.partition("base64,")[2])
