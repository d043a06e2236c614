"""Everything that stands on the desk: a throw-away fleet, its broker, its posts and what can be done to them.

The page drives the desk, and hears of reads and hits as any subscriber of the broker does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from simulator.brokers.mosquitto import Broker
from simulator.camera.recordings import open_recording
from simulator.demo.clip import DemoClip
from simulator.errors import DemoError
from simulator.ground.folder import claimed
from simulator.ground.premises import Premises
from simulator.ground.proxy import Loop, Proxy
from simulator.ground.subscriber import Arrival, Subscriber
from simulator.live.feed import Feed
from simulator.live.lists import HotLists
from simulator.live.posts import LivePost, place_of
from simulator.live.telling import told

AGENCY = "desk"
SUBSCRIBER = "dispatch"
HEALTH_SECONDS = 2.0
LONGEST_REPEAT_SECONDS = 10.0
"""As a post in the field has it."""
REMEMBERED = 500
"""Arrivals that the subscriber keeps in memory; all of them are in its archive."""


class Network:
    """The line between one post and the broker."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.connected = True

    @property
    def port(self) -> int:
        """Where on loopback the post's end is."""
        return self._proxy.port

    def switch(self, *, connected: bool) -> None:
        """Cut or mend the line."""
        (self._proxy.up if connected else self._proxy.down)()
        self.connected = connected


class Desk(Premises):
    """The whole system, made anew in one folder; as a context manager, running while it is open."""

    def __init__(self, directory: Path, clips: Sequence[DemoClip], feed: Feed) -> None:
        """Keep what is wanted; nothing is made yet. Each clip is what one post looks at."""
        super().__init__()
        self.directory = directory.absolute()
        self.feed = feed
        self.posts: dict[str, LivePost] = {}
        self.networks: dict[str, Network] = {}
        self._clips = tuple(clips)
        self._pace = (1.0, False)

    def _make(self) -> None:
        self._stack.enter_context(
            claimed(self.directory, mark=".platepost-live", whose="a former live page's", error=DemoError)
        )
        self.fleet = Fleet.create(self.directory / "fleet", agency=AGENCY)
        self.fleet.add_subscriber(SUBSCRIBER)
        self.broker = Broker(self.fleet, self.directory / "broker")
        loop = Loop()
        self._stack.callback(loop.close)
        for number, clip in enumerate(self._clips, start=1):
            self._add_post(f"post-{number}", clip, Network(Proxy(loop, self.broker.port)))
        self._stack.enter_context(self.broker)
        self.lists = HotLists(self.fleet, self.broker.address)
        self.first_list = self.lists.begin(self._clips)
        subscriber = Subscriber(
            self.fleet.subscriber(SUBSCRIBER),
            agency=AGENCY,
            broker=self.broker.address,
            archive=self.directory / "records.jsonl",
            remember=REMEMBERED,
        )
        subscriber.listeners.append(self._arrived)
        self._stack.enter_context(subscriber)
        self._stack.callback(self._stop_posts)

    def start(self) -> None:
        """Give every post power, once somebody hears what is told."""
        for post in self.posts.values():
            post.start()
        self.tell()

    def _add_post(self, name: str, clip: DemoClip, network: Network) -> None:
        settings = PostSettings(
            brokers=(f"localhost:{network.port}",),
            site=place_of(clip.footage),
            camera="footage",
            camera_settings={"path": str(clip.footage), "loop": True},
            board="virtual",
            more={
                "records": {"health_seconds": HEALTH_SECONDS, "read_overview": True},
                "passages": {"repeat_seconds": _repeat_seconds(clip)},
                "uplink": {"reconnect_seconds": 0.5, "drain_seconds": 5.0},
            },
        )
        folder = self.fleet.add_post(name, settings)
        post = LivePost(name, folder / "post.toml", clip.footage, log=self.directory / f"{name}.log")
        post.changed = self.tell
        self.posts[name] = post
        self.networks[name] = network

    def _stop_posts(self) -> None:
        for network in self.networks.values():
            network.switch(connected=True)
        for post in self.posts.values():
            post.changed = lambda: None
            post.stop()
        for post in self.posts.values():
            post.join()

    # --- what can be done to it

    def press_tamper(self, post: str, *, opened: bool) -> None:
        """Open or close the case of a post."""
        self.posts[post].press_tamper(opened=opened)
        self.tell()

    def switch_power(self, post: str, *, on: bool) -> None:
        """Give a post power, or cut it amid whatever it does."""
        (self.posts[post].start if on else self.posts[post].cut_power)()
        self.tell()

    def switch_network(self, post: str, *, connected: bool) -> None:
        """Cut or mend the line between a post and the broker."""
        self.networks[post].switch(connected=connected)
        self.tell()

    def switch_broker(self, *, running: bool) -> None:
        """Stop or start the broker.

        Raises:
            BrokerError: it does not start.

        """
        (self.broker.start if running else self.broker.stop)()
        self.tell()

    def set_pace(self, *, factor: float, paused: bool) -> None:
        """Have the streets of all posts go faster or slower, or stand still."""
        self._pace = (factor, paused)
        for post in self.posts.values():
            post.set_pace(factor=factor, paused=paused)
        self.tell()

    def state(self) -> dict[str, Any]:
        """Return how everything on the desk stands, for the page."""
        factor, paused = self._pace
        return {
            "kind": "desk",
            "broker": self.broker.running,
            "factor": factor,
            "paused": paused,
            "posts": {
                name: {
                    "power": post.powered,
                    "network": self.networks[name].connected,
                    "tamper": post.tamper,
                    "board": post.board,
                    "failure": post.failure,
                }
                for name, post in self.posts.items()
            },
        }

    def tell(self) -> None:
        """Tell the page how everything stands."""
        self.feed.state("desk", self.state())

    def _arrived(self, arrival: Arrival) -> None:
        event = told(arrival)
        if event is None:
            return
        if event["kind"] in {"status", "health"}:
            self.feed.state(f"{event['kind']} {event['post']}", event)
        else:
            self.feed.happen(event)


def _repeat_seconds(clip: DemoClip) -> float:
    """Say within what time a vehicle is the same again: footage that is played over and over brings all anew."""
    recording = open_recording(clip.footage)
    seconds = recording.count() * recording.frame_seconds()
    return min(LONGEST_REPEAT_SECONDS, seconds / 2) if seconds else LONGEST_REPEAT_SECONDS
