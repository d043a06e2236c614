"""A drawn day: what posts would have published. The same seed gives the same bytes, keys and signatures included."""

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.jwk import ECKey

from platepost.simulator.ground.chance import Chance
from platepost.simulator.ground.light_post import LightPost
from platepost.simulator.ground.memory_outbox import MemoryOutbox
from platepost.simulator.ground.passages import CATEGORIES, SeenVehicle, plate
from platepost.simulator.messages.recording import Head, Message
from platepost.wire.contract.deterministic_signer import DeterministicSigner
from platepost.wire.records import ClockQuality, HotListState, Place, RecordData, Recorder, Source

# Share of a day's vehicles in each hour: an urban arterial's profile, two rush hours, in per mille.
TRAFFIC = (8, 5, 4, 4, 6, 16, 40, 66, 68, 54, 50, 52, 56, 56, 60, 68, 76, 80, 64, 50, 40, 34, 25, 18)
CLOCK = ClockQuality(source="chrony", synchronised=True, estimated_error_seconds=0.0004)
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


class DrawnPost:
    """One post's day."""

    def __init__(self, day: Day, number: int) -> None:
        self.name = f"post-{number + 1}"
        self._day = day
        self._draw = random.Random(f"{day.seed}/{number}")
        self._chance = Chance(day.seed, number)
        self._now = day.began + timedelta(seconds=2 * number)
        self._version = 100
        key = self._chance.key()
        self.signer = DeterministicSigner(ECKey(key, key))
        recorder = Recorder(
            MemoryOutbox(chain=self._identify()),
            self.signer,
            Source(day.agency, self.name),
            now=lambda: self._now,
            identify=self._identify,
        )
        self._post = LightPost(
            recorder,
            place=Place(site=f"Drawn street {number + 1}", latitude=38.58, longitude=-121.49 + number / 100),
            configuration="drawn",
            hot_list=self._list,
            clock=lambda: CLOCK,
            now=lambda: self._now,
            identify=self._identify,
        )

    def messages(self) -> Iterator[Message]:
        """Yield the day's messages in order."""
        yield self._record(self._post.event("boot"))
        yield from self._take_list()
        for moment, happen in sorted(self._course(), key=lambda item: item[0]):
            self._now = moment
            yield from happen()
        self._now = max(self._now, self._day.began + 24 * HOUR)
        yield self._record(self._post.event("stop"))
        yield self._record(self._post.status("offline"))

    def _course(self) -> Iterator[tuple[datetime, Callable[[], Iterator[Message]]]]:
        began, share = self._day.began, self._day.vehicles / self._day.posts / sum(TRAFFIC)
        for hour, weight in enumerate(TRAFFIC):
            for _ in range(self._number_of(weight * share)):
                yield began + hour * HOUR + timedelta(seconds=self._draw.uniform(30, 3600)), self._vehicle
        for hour in range(6, 24, 6):
            yield began + hour * HOUR + timedelta(seconds=self._draw.uniform(0, 60)), self._new_list
        trouble = began + timedelta(hours=self._draw.uniform(1, 22))
        yield trouble, lambda: iter([self._record(self._post.degrade(camera_silent="no frame for 10 s"))])
        yield trouble + timedelta(minutes=4), lambda: iter([self._record(self._post.degrade())])

    def _number_of(self, expected: float) -> int:
        return int(expected) + (self._draw.random() < expected % 1)

    def _vehicle(self) -> Iterator[Message]:
        seen, passage = SeenVehicle(plate(self._draw), self._draw), self._identify()
        hits: tuple[str, ...] = ()
        if self._draw.random() < self._day.hits:
            category, priority = self._draw.choice(CATEGORIES), self._draw.randint(1, 4)
            hit = self._post.hit(seen, passage=passage, category=category, priority=priority)
            yield self._record(hit)
            hits = (hit.hit,)
            self._now += timedelta(seconds=1.2)
            if self._draw.random() < 0.2:  # what the passage's final text does not support
                seen, hits = SeenVehicle(plate(self._draw), self._draw), ()
                yield self._record(self._post.withdrawal(hit, seen.text))
        yield self._record(self._post.read(seen, passage=passage, hits=hits))

    def _new_list(self) -> Iterator[Message]:
        self._version += 1
        yield from self._take_list()

    def _take_list(self) -> Iterator[Message]:
        yield self._record(self._post.event("hotlist_installed", object=str(self._version)))
        yield self._record(self._post.status("online"))

    def _list(self) -> HotListState:
        built = self._day.began - 2 * HOUR + (self._version - 100) * 6 * HOUR
        age = (self._now - built).total_seconds()
        return HotListState(
            state="current", version=self._version, issuer="Drawn", built=built, age_seconds=round(age, 1), entries=1000
        )

    def _record(self, data: RecordData) -> Message:
        envelope = self._post.recorder.record(data)
        if not self._day.pictures:
            envelope = envelope.stripped()
        at = (self._now - self._day.began).total_seconds()
        return Message(at, envelope.topic, envelope.qos, envelope.retain, envelope.body)

    def _identify(self) -> str:
        return self._chance.identifier(self._now.timestamp())


def draw(day: Day) -> tuple[Head, Iterator[Message]]:
    """Draw a day: what the recording is of, and its messages in order of time."""
    posts = [DrawnPost(day, number) for number in range(day.posts)]
    keys = {post.name: post.signer.public_pem.decode() for post in posts}
    messages = heapq.merge(*(post.messages() for post in posts), key=lambda message: message.at)
    return Head(day.agency, day.began, keys), messages
