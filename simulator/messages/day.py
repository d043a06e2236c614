"""A drawn day: what posts would have published. The same seed gives the same bytes, keys and signatures included."""

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from device import __version__
from device.records import (
    Audit,
    ClockQuality,
    HotListState,
    Model,
    Place,
    RecordData,
    Recorder,
    Source,
    Status,
    Versions,
)
from device.records.contract.steady import SteadySigner
from device.records.status import Reason
from simulator.lab.fleet.outbox import MemoryOutbox
from simulator.messages.identifiers import SeededIdentifiers
from simulator.messages.recording import Head, Message
from simulator.testing.made_up import Circumstances, MadeUp

# Share of a day's vehicles in each hour: an urban arterial's profile, two rush hours, in per mille.
TRAFFIC = (8, 5, 4, 4, 6, 16, 40, 66, 68, 54, 50, 52, 56, 56, 60, 68, 76, 80, 64, 50, 40, 34, 25, 18)
CATEGORIES = ("stolen_vehicle", "stolen_plate", "felony_vehicle", "missing_person")
PLATE = ("#", "@", "@", "@", "#", "#", "#")
"""California's passenger form: digits and letters."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """What kind of day."""

    agency: str = "demo"
    posts: int = 3
    vehicles: int = 600
    """Of all posts together."""
    hits: float = 0.01
    """Share of vehicles that are listed."""
    pictures: bool = True
    seed: int = 1
    began: datetime


class Drawn:
    """One post's day."""

    def __init__(self, day: Day, number: int) -> None:
        self.name = f"post-{number + 1}"
        self._day, self._draw = day, random.Random(f"{day.seed}/{number}")
        self._now = day.began + timedelta(seconds=2 * number)
        key = ec.derive_private_key(self._draw.getrandbits(250) + 1, ec.SECP256R1())
        self.signer = SteadySigner(ECKey(key, key))
        self._identifiers = SeededIdentifiers(self._draw)
        store = MemoryOutbox(chain=self._identify())
        self._recorder = Recorder(
            store,
            self.signer,
            Source(day.agency, self.name),
            now=lambda: self._now,
            identify=self._identify,
        )
        self._boot = self._identify()
        self._place = Place(site=f"Drawn street {number + 1}", latitude=38.58, longitude=-121.49 + number / 100)
        self._clock = ClockQuality(source="chrony", synchronised=True, estimated_error_seconds=0.0004)
        self._versions = Versions(
            software=__version__, configuration="drawn", models=(Model(name="reader", digest="0" * 64),)
        )
        self._version = 100

    def messages(self) -> Iterator[Message]:
        """Yield the day's messages in order."""
        yield self._record(Audit.model_validate(self._event("boot")))
        yield self._record(Audit.model_validate(self._event("hotlist_installed") | {"object": str(self._version)}))
        yield self._record(self._status("online"))
        for moment, happen in sorted(self._course(), key=lambda item: item[0]):
            self._now = moment
            yield from happen()
        self._now = max(self._now, self._day.began + 24 * HOUR)
        yield self._record(Audit.model_validate(self._event("stop")))
        yield self._record(self._status("offline"))

    def _course(self) -> Iterator[tuple[datetime, Callable[[], Iterator[Message]]]]:
        began, share = self._day.began, self._day.vehicles / self._day.posts / sum(TRAFFIC)
        for hour, weight in enumerate(TRAFFIC):
            for _ in range(self._number_of(weight * share)):
                yield began + hour * HOUR + timedelta(seconds=self._draw.uniform(30, 3600)), self._vehicle
        for hour in range(6, 24, 6):
            yield began + hour * HOUR + timedelta(seconds=self._draw.uniform(0, 60)), self._new_list
        trouble = began + timedelta(hours=self._draw.uniform(1, 22))
        yield trouble, lambda: iter([self._record(self._status("degraded", camera_silent="no frame for 10 s"))])
        yield trouble + timedelta(minutes=4), lambda: iter([self._record(self._status("online"))])

    def _number_of(self, expected: float) -> int:
        return int(expected) + (self._draw.random() < expected % 1)

    def _vehicle(self) -> Iterator[Message]:
        seen = MadeUp(
            self._text(),
            self._now - timedelta(seconds=0.6),
            passage=self._identify(),
            circumstances=Circumstances(
                place=self._place, versions=self._versions, clock=self._clock, hotlist=self._list()
            ),
            draw=self._draw,
        )
        hits: tuple[str, ...] = ()
        if self._draw.random() < self._day.hits:
            hit = seen.hit(self._identify(), category=self._draw.choice(CATEGORIES), priority=self._draw.randint(1, 4))
            yield self._record(hit)
            hits = (hit.hit,)
            self._now += timedelta(seconds=1.2)
            if self._draw.random() < 0.2:  # what the passage's end does not bear out
                yield self._record(seen.withdrawal(hit, self._text()))
                hits = ()
        yield self._record(seen.read(hits=hits))

    def _new_list(self) -> Iterator[Message]:
        self._version += 1
        yield self._record(Audit.model_validate(self._event("hotlist_installed") | {"object": str(self._version)}))
        yield self._record(self._status("online"))

    def _text(self) -> str:
        letters, digits = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
        return "".join(self._draw.choice(letters if form == "@" else digits) for form in PLATE)

    def _event(self, action: str) -> dict[str, object]:
        facts = {"clock": self._clock, "action": action, "occurred": self._now, "where": self.name}
        return facts | {"source": "post", "outcome": "success", "identity": self.name}

    def _status(self, state: str, **reasons: str) -> Status:
        return Status.model_validate(
            {
                "clock": self._clock,
                "state": state,
                "reasons": tuple(Reason(name=name, message=message) for name, message in reasons.items()),
                "since": self._now,
                "boot": self._boot,
                "place": Place(site=self._place.site),
                "versions": self._versions,
                "hotlist": self._list(),
            }
        )

    def _list(self) -> HotListState:
        built = self._day.began - 2 * HOUR + (self._version - 100) * 6 * HOUR
        age = (self._now - built).total_seconds()
        return HotListState(
            state="current", version=self._version, issuer="Drawn", built=built, age_seconds=round(age, 1), entries=1000
        )

    def _record(self, data: RecordData) -> Message:
        envelope = self._recorder.record(data)
        if not self._day.pictures:
            envelope = envelope.stripped()
        at = (self._now - self._day.began).total_seconds()
        return Message(at, envelope.topic, envelope.qos, envelope.retain, envelope.body)

    def _identify(self) -> str:
        return self._identifiers.at(self._now)


def draw(day: Day) -> tuple[Head, Iterator[Message]]:
    """Draw a day: what the recording is of, and its messages in order of time."""
    posts = [Drawn(day, number) for number in range(day.posts)]
    keys = {post.name: post.signer.public_pem.decode() for post in posts}
    messages = heapq.merge(*(post.messages() for post in posts), key=lambda message: message.at)
    return Head(day.agency, day.began, keys), messages
